"""Cleaning as a step of a study: made once, looked at again when its files change, checked before anything starts."""

from __future__ import annotations

import json
import random

import pytest

from studylib.data import check_sources, look_at_sources, prepare, read_sources
from studylib.data.build import look_at_changes
from studylib.data.cleaning import CleanedFolder
from studylib.data.digest import Allowance
from studylib.data.source.hub import HubSource
from studylib.data.texts import guarded_text
from studylib.errors import StudyError
from studylib.spec import CleanedText, DataSpec, SourceSpec, TokenizerSpec
from studylib.spec.record_cleaned import CleanedRecord
from studylib.trials import run_steps
from studylib.trials.cache import Task

LENGTH = {"cleaner": "length", "min_characters": 12}


def long_texts(count, seed=0):
    """All different, none a near copy of another."""
    draw = random.Random(seed)
    return ["".join(draw.choices("山川村人静話海空花道手水木石田中大小上下", k=60)) + "。" for _ in range(count)]


def write(file, texts):
    file.write_text("".join(json.dumps({"text": one}, ensure_ascii=False) + "\n" for one in texts), encoding="utf-8")


@pytest.fixture
def data(tmp_path):
    file = tmp_path / "in.jsonl"
    write(file, ["短い文章"] * 5 + long_texts(40))
    source = SourceSpec(kind="files", name="mine", options={"path": str(file)}, cleaning=[LENGTH])
    return DataSpec(
        sources=(source,), tokenizer=TokenizerSpec(vocab_size=400, sample_bytes=20_000), validation_fraction=0.2
    )


def test_the_gate_and_the_tokenizer_see_cleaned_text_only(tmp_path, data):
    heard = []
    run_steps([data], tmp_path / "study", launcher="inprocess", progress=heard.append)
    text = data.texts["mine"]
    started = [one["step"] for one in heard if one["event"] == "started"]
    assert started.index(text.cleaned.name) < started.index(text.name)
    task = Task.under(tmp_path / "study", text.cleaned)
    assert task.state == "done" and isinstance(task.result(), CleanedRecord)
    guarded = guarded_text(text, tmp_path / "study" / "data")
    documents = [one for side in ("train", "validation") for one in guarded.documents(side)]
    assert len(documents) == 40 and "短い文章" not in documents
    assert guarded.manifest["notes"]["documents_cleaned_away"] == 5
    assert guarded.manifest["cleaned"] == CleanedFolder(task.folder).record.seal
    assert CleanedText.model_validate(text.cleaned.model_dump(mode="json")) == text.cleaned


def test_a_changed_file_is_cleaned_again_or_refused_where_shards_were_made_of_it(tmp_path, data):
    folder, text = tmp_path / "study" / "data", data.texts["mine"]
    assert guarded_text(text, folder).num_documents("train") > 20
    said = []
    guarded_text(text, folder, progress=said.append)
    assert said == []
    write(tmp_path / "in.jsonl", ["短い", *long_texts(60, seed=1)])
    again = guarded_text(text, folder, progress=said.append)
    assert sum(again.num_documents(side) for side in ("train", "validation")) == 60
    assert CleanedFolder(folder / "cleaned" / text.cleaned.hash).record.raw.documents == 61
    prepare(data, folder)
    assert look_at_changes(data, folder, Allowance(10**6)) == []
    write(tmp_path / "in.jsonl", long_texts(60, seed=2))
    for ask in (lambda: look_at_changes(data, folder, Allowance(10**6)), lambda: prepare(data, folder)):
        with pytest.raises(StudyError, match=r"in\.jsonl has changed since"):
            ask()


def test_cleaned_text_that_was_made_anew_is_read_anew(tmp_path, data):
    folder, text = tmp_path / "study" / "data", data.texts["mine"]
    guarded_text(text, folder)
    home = folder / "cleaned" / text.cleaned.hash
    (home / "00000.parquet").unlink()
    said = []
    guarded_text(text, folder, progress=said.append)
    assert any("00000.parquet" in line for line in said) and (home / "00000.parquet").is_file()
    assert not any("data: reading" in line for line in said), "the same text again"


def test_text_that_is_given_is_cleaned_before_anything_starts(tmp_path, data):
    read_sources(data, tmp_path / "study" / "data")
    assert (tmp_path / "study" / "data" / "cleaned" / data.texts["mine"].cleaned.hash / "record.json").is_file()
    nothing = data.replace(sources=(data.sources[0].replace(cleaning=[LENGTH | {"min_characters": 900}]),))
    with pytest.raises(StudyError, match="'mine' has no text left after its cleaning: step length dropped all 45"):
        read_sources(nothing, tmp_path / "study" / "data")


def test_a_plan_checks_what_steps_need(tmp_path, data):
    bad = data.replace(
        sources=(data.sources[0].replace(cleaning=[{"cleaner": "url", "hosts": str(tmp_path / "gone.txt")}]),)
    )
    with pytest.raises(StudyError, match=r"data\.sources mine: url: cleaning\.hosts: .*gone\.txt' cannot be read"):
        check_sources(bad, online=False)
    check_sources(data, online=False)
    assert look_at_sources(data, Allowance(10**6)) == []


def test_a_plan_asks_no_server_for_the_text_that_a_step_reads(data, monkeypatch):
    def asked(self):
        raise StudyError("the server was asked")

    monkeypatch.setattr(HubSource, "check", asked)

    def learning_from(revision):
        good = {"kind": "hub", "options": {"dataset": "wikimedia/wikipedia", "revision": revision}}
        cleaning = [{"cleaner": "quality", "good": good}]
        return data.replace(sources=(data.sources[0].replace(cleaning=cleaning),))

    check_sources(learning_from("0" * 40), online=False)
    with pytest.raises(StudyError, match="mine: quality: the server was asked"):
        check_sources(learning_from("0" * 40))
    with pytest.raises(StudyError, match="revision: 'main' is not a commit"):
        check_sources(learning_from("main"), online=False)


def test_measuring_alone_can_be_left_out(tmp_path, data):
    plain = data.replace(sources=(data.sources[0].replace(measure_alone=False),))
    both, without = data.texts["mine"].cleaned, plain.texts["mine"].cleaned
    assert both.hash != without.hash
    guarded_text(plain.texts["mine"], tmp_path / "data")
    record = CleanedFolder(tmp_path / "data" / "cleaned" / without.hash).record
    assert record.kept.documents == 40 and record.steps[0].alone is None
