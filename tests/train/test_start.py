"""Training goes on from another trial's weights, also with more pieces."""

from __future__ import annotations

import pytest
import torch
from several import SHARP, in_double, numbers, train_all

from studylib.data import Tokenizer, prepare
from studylib.errors import StudyError
from studylib.files import read_json_lines
from studylib.model.gpt import build_gpt
from studylib.parallel import world
from studylib.spec import DataSpec, ParallelSpec
from studylib.train import train
from studylib.train.start import start_from_trial

ADDED = 32


@pytest.fixture(scope="module")
def study(tiny_trial, tmp_path_factory):
    """A study folder with a finished parent trial."""
    out = tmp_path_factory.mktemp("study")
    parent = tiny_trial.replace(train_steps=60, checkpoint_every=60)
    train(parent, out / "trials" / parent.hash, data_folder=out / "data")
    return out, parent


def child_of(parent, **changes):
    data = parent.data.model_dump() | {"tokenizer": {}, "tokenizer_of": parent.data, "added_pieces": ADDED}
    fields = {"data": DataSpec(**data), "model.vocab_size": parent.model.vocab_size + ADDED, "start_from": parent.hash}
    return parent.replace(**fields | {"train_steps": 6, "checkpoint_every": 0, "eval_every": 1} | changes)


def weights(study, spec):
    out, _ = study
    prepared = prepare(spec.data, out / "data")
    with world(ParallelSpec(), torch.device("cpu")) as one:
        model = build_gpt(spec.model, one, seed=spec.seed)
        start_from_trial(model, spec, out / "trials", out / "data", prepared, one)
        return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}, prepared


def test_old_rows_are_kept_and_new_ones_are_the_mean_of_their_parts(study):
    out, parent = study
    grown, prepared = weights(study, child_of(parent))
    same, _ = weights(study, parent.replace(start_from=parent.hash))
    before = Tokenizer.load(prepare(parent.data, out / "data").tokenizer_file)
    after = Tokenizer.load(prepared.tokenizer_file)
    old = parent.model.vocab_size
    for name, whole in grown.items():
        if whole.shape == same[name].shape:
            assert torch.equal(whole, same[name])
            continue
        assert torch.equal(whole[:old], same[name])
        for token in range(old, old + ADDED):
            parts = before.encode(after.decode([token])).tolist()
            assert len(parts) > 1
            assert torch.allclose(whole[token], same[name][parts].mean(dim=0))
    assert sum(whole.shape != same[name].shape for name, whole in grown.items()) == 2


def first_validation(folder) -> float:
    return next(one["val_bpb"] for one in read_json_lines(folder / "metrics.jsonl") if "val_bpb" in one)


def test_other_weights_are_a_better_start_than_none(study):
    out, parent = study
    found = {}
    for name, spec in {
        "mean": child_of(parent),
        "random": child_of(parent, new_embeddings="random"),
        "none": child_of(parent, start_from=""),
    }.items():
        train(spec, out / "trials" / spec.hash, data_folder=out / "data")
        found[name] = first_validation(out / "trials" / spec.hash)
    assert max(found["mean"], found["random"]) < found["none"] - 0.1
    assert found["mean"] != found["random"]


def test_an_interrupted_child_resumes_to_the_same_end(study):
    out, parent = study
    whole = child_of(parent, seed=5)
    expected = train(whole, out / "trials" / whole.hash, data_folder=out / "data")["val_loss"]

    def stop(record):
        if record["step"] == 4:
            raise KeyboardInterrupt

    folder = out / "trials" / "again"
    spec = whole.replace(checkpoint_every=2)
    with pytest.raises(KeyboardInterrupt):
        train(spec, folder, data_folder=out / "data", on_metrics=stop)
    assert train(spec, folder, data_folder=out / "data")["val_loss"] == expected


@pytest.mark.slow
def test_tensor_parallel_processes_start_alike(study):
    out, parent = study
    spec = in_double(child_of(parent, seed=7, parallel=ParallelSpec(tp=2)))
    alone = spec.replace(parallel=ParallelSpec())
    train_all({out / "trials" / one.hash: one for one in (alone, spec)}, out / "data")
    one, two = (numbers(out / "trials" / spec.hash) for spec in (alone, spec))
    assert two == pytest.approx(one, rel=SHARP)


def test_what_does_not_fit_is_named(study):
    out, parent = study
    cases = {
        "is not a trial of this study": child_of(parent, start_from="0" * 16),
        "has another shape": child_of(parent, **{"model.num_layers": 2}),
        "token ids mean other pieces": parent.replace(
            **{"data.tokenizer.kind": "bpe", "start_from": parent.hash, "train_steps": 2}
        ),
    }
    for message, spec in cases.items():
        with pytest.raises(StudyError, match=message):
            train(spec, out / "trials" / spec.hash, data_folder=out / "data")
    bare = parent.replace(train_steps=2, checkpoint_every=0)
    train(bare, out / "trials" / bare.hash, data_folder=out / "data")
    with pytest.raises(StudyError, match="kept no usable checkpoint"):
        spec = child_of(parent, start_from=bare.hash)
        train(spec, out / "trials" / spec.hash, data_folder=out / "data")
