"""Text, tokenizer and shards are steps of their own: each made once, whoever reads it, and bound to what it was made of."""

from __future__ import annotations

import pytest

from studylib.data.guard import seal
from studylib.data.texts import guarded_text
from studylib.data.vocabulary import TrainedTokenizer, trained_tokenizer
from studylib.errors import StudyError
from studylib.files import read_json, write_json
from studylib.spec import DataSpec, SourceSpec, TokenizerSpec
from studylib.trials import run_steps
from studylib.trials.cache import Task, tasks_under

JA = SourceSpec(name="ja", options={"register": "ja", "bytes": 60_000})
CODE = SourceSpec(name="code", options={"register": "code", "bytes": 60_000}, auxiliary=True)
DATA = DataSpec(sources=(JA,), tokenizer=TokenizerSpec(vocab_size=400, sample_bytes=60_000), validation_fraction=0.2)


def started(steps, out) -> list[str]:
    heard = []
    run_steps(steps, out, launcher="inprocess", progress=heard.append)
    return [one["step"] for one in heard if one["event"] == "started"]


def test_two_tokenizers_read_the_text_once_and_two_mixtures_share_a_tokenizer(tmp_path):
    other = DATA.replace(**{"tokenizer.kind": "bpe"})
    wider = DATA.replace(sources=(JA.replace(name="another name", weight=2.0), CODE))
    steps = started([DATA, other, wider], tmp_path)
    assert len(steps) == len(set(steps)) == 7, "two texts, two tokenizers, three shards"
    assert wider.vocabulary.name == DATA.vocabulary.name != other.vocabulary.name
    models = [tmp_path / one.name / "tokenizer.model" for one in (DATA, wider, DATA.vocabulary)]
    assert len({one.read_bytes() for one in models}) == 1
    # Looked at again in a moment, nothing is made.
    assert started([DATA, other, wider], tmp_path) == [DATA.name, other.name, wider.name]


def test_what_lies_there_afterwards_is_what_was_planned(tmp_path):
    planned = {task.name for task in tasks_under(tmp_path, [DATA])}
    assert planned == {*started([DATA], tmp_path)}
    assert all(Task.under(tmp_path, step).state == "done" for step in (*DATA.inputs, DATA))


def test_data_that_borrow_a_tokenizer_need_no_shards_of_the_others(tmp_path):
    borrowed = DataSpec(sources=(CODE.replace(auxiliary=False),), tokenizer_of=DATA, validation_fraction=0.2)
    more = borrowed.replace(added_pieces=20)
    assert borrowed.vocabulary == DATA.vocabulary == more.vocabulary.extends
    steps = started([more], tmp_path)
    assert DATA.name not in steps and DATA.vocabulary.name in steps and len(steps) == 5


@pytest.mark.parametrize("damage", ["no record", "other text", "cut"])
def test_a_tokenizer_is_bound_to_the_guarded_text_that_it_was_trained_on(tmp_path, damage):
    spec = DATA.vocabulary
    model = trained_tokenizer(spec, tmp_path).file
    file, before = model.parent / "manifest.json", model.read_bytes()
    manifest = read_json(file)
    text = guarded_text(DATA.texts["ja"], tmp_path)
    assert manifest["guard"] == {DATA.texts["ja"].name: {"text": text.manifest["seal"]}}
    if damage == "cut":
        model.write_bytes(before[:-1])
    elif damage == "no record":
        del manifest["guard"]
    else:  # sealed, but of text that is not there
        manifest["guard"][DATA.texts["ja"].name]["text"] = "0" * 32
        manifest["seal"] = seal(manifest["guard"], manifest["files"])
    write_json(file, manifest)
    if damage != "other text":
        with pytest.raises(StudyError, match=r"guard|damaged"):
            TrainedTokenizer(model.parent)
    said = []
    assert trained_tokenizer(spec, tmp_path, progress=said.append).file.read_bytes() == before
    assert any("training a unigram tokenizer" in line for line in said)
