"""How a trial is computed changes its speed and memory, and its numbers by rounding only."""

from __future__ import annotations

import ctypes

import pytest
import torch
from several import SHARP, in_double, numbers, train_all

from studylib.errors import StudyError
from studylib.files import read_json
from studylib.model.gpt import build_gpt
from studylib.model.memory import memory_bytes
from studylib.parallel import world
from studylib.spec import ComputeSpec, ParallelSpec, TrialSpec, validated
from studylib.train import train
from studylib.train.allocator import keep_freed_memory
from studylib.train.compute import resolve

SWITCHES = {
    "chunked": {"cross_entropy": "chunked"},
    "plain": {"cross_entropy": "plain"},
    "recompute": {"recompute": "layer"},
    "math": {"attention": "math"},
    "sdpa": {"attention": "sdpa"},
    "unfused": {"fused_optimizer": False},
    "memory not kept": {"keep_memory": False},
}


@pytest.fixture(scope="module")
def expected(tiny_trial, data_folder, tmp_path_factory) -> float:
    return train(in_double(tiny_trial), tmp_path_factory.mktemp("plain"), data_folder=data_folder)["val_loss"]


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_does_not_change_the_loss(switch, expected, tiny_trial, data_folder, tmp_path):
    spec = in_double(tiny_trial.replace(compute=tiny_trial.compute.replace(**SWITCHES[switch])))
    result = train(spec, tmp_path, data_folder=data_folder)
    assert result["val_loss"] == pytest.approx(expected, rel=SHARP)
    for name, value in SWITCHES[switch].items():
        assert result["resolved"][name] == value
    assert spec.recipe_hash == tiny_trial.recipe_hash


def test_double_precision_is_double_throughout(expected, tiny_trial, data_folder, tmp_path):
    double = in_double(tiny_trial)
    with world(ParallelSpec(), torch.device("cpu")) as one:
        model = build_gpt(double.model, one, seed=0, execution=resolve(double).execution)
    tokens = torch.zeros(1, 32, dtype=torch.int64)
    assert {value.dtype for value in model.parameters()} == {torch.float64} == {model.logits(tokens).dtype}
    single = train(tiny_trial, tmp_path, data_folder=data_folder)["val_loss"]
    assert 0 < abs(single - expected) < 1e-3
    assert memory_bytes(double) == pytest.approx(2 * memory_bytes(tiny_trial), abs=2)


@pytest.mark.slow
def test_switches_agree_under_tensor_parallelism(tiny_trial, data_folder, tmp_path):
    compute = tiny_trial.compute.replace(cross_entropy="chunked", recompute="layer")
    spec = tiny_trial.replace(parallel=ParallelSpec(tp=2), compute=compute)
    train_all({tmp_path / "one": in_double(tiny_trial), tmp_path / "two": in_double(spec)}, data_folder)
    assert numbers(tmp_path / "two") == pytest.approx(numbers(tmp_path / "one"), rel=SHARP)


def test_sparse_trials_learn_and_differ_from_dense(expected, tiny_trial, data_folder, tmp_path):
    spec = tiny_trial.replace(model=tiny_trial.model.replace(attention_pattern="sliding_window", window=4))
    loss = train(spec, tmp_path, data_folder=data_folder)["val_loss"]
    assert loss != pytest.approx(expected, rel=1e-4) and loss == pytest.approx(expected, rel=0.1)


def test_recomputing_counts_less_memory(tiny_trial):
    large = tiny_trial.replace(**{"model.seq_len": 512, "model.num_layers": 16})
    again = large.replace(compute=large.compute.replace(recompute="layer"))
    assert memory_bytes(again) < 0.6 * memory_bytes(large)


def test_auto_takes_chunks_where_they_pay(tiny_trial):
    eager = tiny_trial.replace(compute=ComputeSpec(device="cpu", compile="none"))
    compiled = tiny_trial.replace(compute=ComputeSpec(device="cpu", compile="layer"))
    assert resolve(eager).cross_entropy == "plain" and resolve(compiled).cross_entropy == "chunked"


@pytest.mark.parametrize(
    ("compute", "says"),
    [
        ({"attention": "flash"}, "did you mean"),
        ({"cross_entropy": "fused"}, "chunked"),
        ({"recompute": "all"}, "recompute"),
    ],
)
def test_unknown_switches_are_refused(compute, says):
    with pytest.raises(StudyError, match=says):
        validated(ComputeSpec, compute)


def test_a_backend_of_another_device_is_refused_before_training(tiny_trial, data_folder, tmp_path):
    spec = tiny_trial.replace(compute=tiny_trial.compute.replace(attention="sdpa_cudnn"))
    with pytest.raises(StudyError, match=r"compute.attention: 'sdpa_cudnn'.*not for cpu"):
        train(spec, tmp_path, data_folder=data_folder)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="not glibc")
def test_memory_is_kept_where_the_c_library_can():
    assert keep_freed_memory()


# --- micro-batches


def test_micro_batch_is_found_and_kept_for_a_resume(expected, tiny_trial, data_folder, tmp_path):
    spec = in_double(tiny_trial).replace(**{"parallel.micro_batch_size": "auto"}, checkpoint_every=10)
    result = train(spec, tmp_path, data_folder=data_folder)
    found = read_json(tmp_path / "micro_batch.json")
    assert result["resolved"]["micro_batch_size"] == found["micro_batch_size"]
    assert set(found["seconds_a_sequence"]) == {"1", "2", "4", "8"}
    assert result["val_loss"] == pytest.approx(expected, rel=SHARP), "trying leaves no trace in the training"
    (tmp_path / "result.json").unlink()
    (tmp_path / "micro_batch.json").write_text('{"micro_batch_size": 2}')
    assert train(spec, tmp_path, data_folder=data_folder)["resolved"]["micro_batch_size"] == 2


def test_micro_batches_that_do_not_fit_are_not_tried(tiny_trial, data_folder, tmp_path, monkeypatch):
    from studylib.train import fit

    small = fit.memory_bytes(tiny_trial.replace(**{"parallel.micro_batch_size": 2}))
    monkeypatch.setattr(
        "psutil.virtual_memory", lambda: type("", (), {"available": 1.05 * small / fit.SHARE_OF_MEMORY})
    )
    spec = tiny_trial.replace(**{"parallel.micro_batch_size": "auto"})
    train(spec, tmp_path, data_folder=data_folder)
    assert set(read_json(tmp_path / "micro_batch.json")["seconds_a_sequence"]) == {"1", "2"}
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("", (), {"available": 1000}))
    with pytest.raises(StudyError, match="not even one sequence fits"):
        train(spec, tmp_path / "other", data_folder=data_folder)


def test_auto_needs_one_pipeline_stage(tiny_trial):
    content = tiny_trial.model_dump() | {"parallel": {"micro_batch_size": "auto", "pp": 2}}
    with pytest.raises(StudyError, match=r"parallel.micro_batch_size.*pp 1"):
        validated(TrialSpec, content)
