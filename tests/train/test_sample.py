"""Sampling from a trained model: deterministic, cut by top-p, filtered, and refused where it cannot be."""

from __future__ import annotations

import json

import pytest
import torch

from studylib.data import Tokenizer, prepare
from studylib.data.pseudo import SamplingSpec
from studylib.errors import StudyError
from studylib.model.gpt import build_gpt
from studylib.parallel import world
from studylib.spec import DataSpec, ParallelSpec, SourceSpec, TokenizerSpec
from studylib.train import train
from studylib.train.compute import resolve
from studylib.train.draw import draw_documents, draw_tokens
from studylib.train.sample import sample_text

EASY = SamplingSpec(
    bytes=1500, min_characters=5, most_repeated=1.0, most_shared=1.0, batch_documents=8, temperature=1.0
)


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
    assert record["bytes"] >= 1500 and record["documents"] == len(text.splitlines()) == record["filter"]["kept"]
    assert all(len(json.loads(line)["text"]) >= 5 for line in text.splitlines())
    sample_text(spec, out, data_folder, EASY.replace(seed=1), tmp_path / "other.jsonl")
    assert (tmp_path / "other.jsonl").read_bytes() != text


def test_a_model_that_writes_nothing_fit_is_said_to(trained, data_folder, tmp_path):
    spec, out = trained
    with pytest.raises(StudyError, match=r"only 0 were kept .*'short': .*train it longer, or loosen the filters"):
        sample_text(spec, out, data_folder, EASY.replace(min_characters=5000, max_attempts=1), tmp_path / "one.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_without_a_checkpoint_there_is_nothing_to_sample_from(trained, data_folder, tmp_path):
    with pytest.raises(StudyError, match="no checkpoint to sample from; train the trial with checkpoint_every"):
        sample_text(trained[0], tmp_path / "empty", data_folder, EASY, tmp_path / "one.jsonl")


def test_top_p_keeps_the_smallest_set_and_temperature_sharpens():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]])).repeat(4000, 1)

    def shares(**changes) -> list[float]:
        drawn = draw_tokens(
            logits.clone(),
            SamplingSpec(temperature=1.0, top_p=1.0).replace(**changes),
            torch.Generator().manual_seed(0),
        )
        return (torch.bincount(drawn, minlength=4) / len(drawn)).tolist()

    assert shares() == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.03)
    assert shares(top_p=0.79) == pytest.approx([0.625, 0.375, 0, 0], abs=0.03)
    assert shares(top_p=0.01) == [1, 0, 0, 0]
    assert shares(temperature=0.5)[0] == pytest.approx(0.25 / 0.365, abs=0.03)
    banned = draw_tokens(logits, SamplingSpec(), torch.Generator().manual_seed(0), exclude=[0, 1])
    assert set(banned.tolist()) <= {2, 3}


@pytest.mark.parametrize("wrong", [{"temperature": 0}, {"top_p": 0}, {"top_p": 1.1}, {"bytes": 0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(StudyError, match=next(iter(wrong))):
        SamplingSpec().replace(**wrong)


def test_ids_beyond_the_tokenizers_are_never_drawn(tiny_trial, data_folder):
    """Sentinels have such ids; an untrained model would draw one every few tokens."""
    roomy = tiny_trial.replace(**{"model.vocab_size": 1024})
    tokenizer = Tokenizer.load(prepare(tiny_trial.data, data_folder).tokenizer_file)
    with world(ParallelSpec(), torch.device("cpu")) as one:
        model = build_gpt(roomy.model, one, seed=0)
        documents = draw_documents(model, resolve(roomy), tokenizer, 32, EASY, 0)
    drawn = [token for document, _ in documents for token in document]
    assert len(drawn) > 100 and max(drawn) < tokenizer.vocab_size == 512
