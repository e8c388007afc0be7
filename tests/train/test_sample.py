"""Sampling from a trained model: deterministic, filtered, and refused where it cannot be."""

from __future__ import annotations

import json

import pytest

from studylib.data.pseudo import SamplingSpec
from studylib.errors import StudyError
from studylib.spec import DataSpec, SourceSpec, TokenizerSpec
from studylib.train import train
from studylib.train.sample import sample_text

EASY = SamplingSpec(bytes=500, min_characters=5, most_repeated=1.0, most_shared=1.0, batch_documents=8, temperature=1.0)


@pytest.fixture(scope="module")
def trained(tiny_trial, data_folder, tmp_path_factory):
    data = DataSpec(
        sources=(SourceSpec(name="ja", options={"register": "ja", "bytes": 120_000}),),
        tokenizer=TokenizerSpec(vocab_size=512, sample_bytes=100_000),
    )
    spec = tiny_trial.replace(data=data, checkpoint_every=20)
    out = tmp_path_factory.mktemp("trained")
    train(spec, out, data_folder=data_folder)
    return spec, out


def test_the_same_asked_twice_is_the_same_text(trained, data_folder, tmp_path):
    spec, out = trained
    record = sample_text(spec, out, data_folder, EASY, tmp_path / "one.jsonl")
    sample_text(spec, out, data_folder, EASY, tmp_path / "two.jsonl")
    text = (tmp_path / "one.jsonl").read_bytes()
    assert text == (tmp_path / "two.jsonl").read_bytes()
    assert record["bytes"] >= 500 and record["documents"] == len(text.splitlines()) == record["filter"]["kept"]
    assert all(len(json.loads(line)["text"]) >= 5 for line in text.splitlines())
    sample_text(spec, out, data_folder, EASY.replace(seed=1), tmp_path / "other.jsonl")
    assert (tmp_path / "other.jsonl").read_bytes() != text


def test_a_model_that_writes_nothing_fit_is_said_to(trained, data_folder, tmp_path):
    spec, out = trained
    with pytest.raises(StudyError, match=r"only 0 were kept .*'short': .*train it longer, or loosen the filters"):
        sample_text(spec, out, data_folder, EASY.replace(min_characters=5000, max_attempts=1), tmp_path / "one.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_without_a_checkpoint_there_is_nothing_to_sample_from(trained, data_folder, tmp_path):
    with pytest.raises(StudyError, match="no usable checkpoint; train the trial with checkpoint_every"):
        sample_text(trained[0], tmp_path / "empty", data_folder, EASY, tmp_path / "one.jsonl")


@pytest.mark.parametrize("wrong", [{"temperature": 0}, {"top_p": 0}, {"top_p": 1.1}, {"bytes": 0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(StudyError, match=next(iter(wrong))):
        SamplingSpec().replace(**wrong)
