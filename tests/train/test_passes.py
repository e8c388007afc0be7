"""Steps recorded once and replayed: on a GPU by CUDA graphs, here by their twin, which keeps a list of operations."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from several import SHARP, in_double
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from studylib.errors import StudyError
from studylib.files import read_json_lines
from studylib.spec import ObjectiveSpec, StageSpec, TrialSpec
from studylib.train import passes, train
from studylib.train.compute import resolve

CHANGES = {
    "plain": {},
    "in micro batches": {"parallel.micro_batch_size": 2},
    "dropout": {"model.dropout": 0.2},
    "tied embeddings": {"model.tied_embeddings": True},
    "some labels alone": {"objective": ObjectiveSpec(name="fim"), "model.vocab_size": 576},
    "prefixes": {"objective": ObjectiveSpec(name="prefix_lm")},
    "a shorter context first": {
        "stages": (StageSpec(name="short", fraction=0.5, seq_len=8), StageSpec(name="long", fraction=0.5))
    },
}


class Operations(TorchDispatchMode):
    """What a CUDA graph does: every operation again, on the same memory. Unlike one it also runs while it records."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def __torch_dispatch__(self, operation, types, arguments=(), named=None):
        found = operation(*arguments, **(named or {}))
        self.kept.append((operation, arguments, named or {}, found))
        return found

    def replay(self):
        with torch.no_grad():
            for operation, arguments, named, found in self.kept:
                again = operation(*arguments, **named)
                for kept, made in zip(tree_leaves(found), tree_leaves(again), strict=True):
                    if isinstance(kept, torch.Tensor) and kept.data_ptr() != made.data_ptr():
                        kept.copy_(made)


@contextmanager
def recording(operations):
    drawn = torch.get_rng_state()
    with operations:
        yield
    torch.set_rng_state(drawn)  # recorded on a GPU nothing is drawn


@pytest.fixture
def recorded(monkeypatch):
    """Trials on this CPU are trained as ``compute.compile: graph`` would have it."""
    monkeypatch.setattr("studylib.train.trainer.resolve", lambda spec: replace(resolve(spec), compile="graph"))
    monkeypatch.setattr("torch.cuda.CUDAGraph", Operations)
    monkeypatch.setattr("torch.cuda.graph", recording)


def losses(folder) -> list[float]:
    return [one["loss"] for one in read_json_lines(folder / "metrics.jsonl") if "loss" in one]


@pytest.fixture
def expected(tmp_path, data_folder):
    """How ``spec`` is trained step by step; made before anything is replaced."""

    def of(spec: TrialSpec) -> list[float]:
        result = train(spec, tmp_path / "expected", data_folder=data_folder)
        assert not result["resolved"]["recorded"]
        return losses(tmp_path / "expected")

    return of


@pytest.mark.parametrize("change", CHANGES)
def test_replayed_steps_are_the_same_steps(change, tiny_trial, data_folder, tmp_path, expected, request):
    spec = in_double(tiny_trial.replace(**CHANGES[change]))
    right = expected(spec)
    request.getfixturevalue("recorded")
    result = train(spec, tmp_path / "replayed", data_folder=data_folder)
    assert result["resolved"]["recorded"] and result["resolved"]["compile"] == "graph"
    assert losses(tmp_path / "replayed") == pytest.approx(right, rel=SHARP)


def test_a_step_that_cannot_be_recorded_is_computed_all_the_same(
    tiny_trial, data_folder, tmp_path, expected, request, monkeypatch, capsys
):
    @contextmanager
    def refused(operations):
        yield
        raise RuntimeError("operation not permitted when stream is capturing")

    right = expected(in_double(tiny_trial))
    request.getfixturevalue("recorded")
    monkeypatch.setattr("torch.cuda.graph", refused)
    result = train(in_double(tiny_trial), tmp_path / "refused", data_folder=data_folder)
    assert not result["resolved"]["recorded"]
    assert losses(tmp_path / "refused") == pytest.approx(right, rel=SHARP)
    assert "not permitted" in capsys.readouterr().err


def test_rows_of_ever_new_shapes_are_not_all_recorded(tiny_trial, data_folder, tmp_path, recorded, monkeypatch):
    made, record = [], passes.StepGraph
    monkeypatch.setattr(passes, "_MOST_GRAPHS", 1)
    monkeypatch.setattr(passes, "StepGraph", lambda *given: made.append(record(*given)) or made[-1])
    spec = tiny_trial.replace(**CHANGES["a shorter context first"])
    train(spec, tmp_path, data_folder=data_folder)
    assert len(made) == 1


def test_auto_records_small_steps_on_a_gpu_alone(tiny_trial, monkeypatch):
    auto = tiny_trial.replace(**{"compute.compile": "auto", "compute.device": "auto"})
    assert resolve(auto).compile == "none"
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda: True)
    assert resolve(auto).compile == "graph"
    monkeypatch.setattr("studylib.train.compute.GRAPH_MAX_STEP_FLOPS", 1.0)
    assert resolve(auto).compile == "none"
    assert resolve(auto.replace(train_steps=10_000_000)).compile == "layer"


def test_a_graph_needs_one_process_on_a_gpu(tiny_trial, data_folder, tmp_path):
    with pytest.raises(StudyError, match=r"compute.compile: 'graph' serves one process on a GPU, not cpu"):
        train(tiny_trial.replace(**{"compute.compile": "graph"}), tmp_path, data_folder=data_folder)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("change", ["plain", "in micro batches", "dropout", "a shorter context first"])
def test_a_graph_on_a_gpu_is_the_same_steps(change, tiny_trial, data_folder, tmp_path):
    spec = tiny_trial.replace(**CHANGES[change], **{"compute.device": "cuda", "compute.compile": "none"})
    train(spec, tmp_path / "launched", data_folder=data_folder)
    result = train(spec.replace(**{"compute.compile": "graph"}), tmp_path / "recorded", data_folder=data_folder)
    assert result["resolved"]["recorded"]
    assert losses(tmp_path / "recorded") == losses(tmp_path / "launched")
