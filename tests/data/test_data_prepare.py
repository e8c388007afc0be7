"""Preparing: once, whole or not at all, the same everywhere, nothing shared between the sides."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from itertools import islice, pairwise

import numpy as np
import pytest

from studylib.data import PreparedData, Tokenizer, prepare
from studylib.data.miniworld import documents
from studylib.errors import StudyError
from studylib.spec import DataSpec

SMALL = {"vocab_size": 450, "kind": "bpe", "sample_bytes": 200_000}


def miniworld(*registers, size=120_000, **more) -> DataSpec:
    options = [{"register": one, "bytes": size} for one in registers or ("ja",)]
    sources = [{"kind": "miniworld", "name": one["register"], "options": one} for one in options]
    return DataSpec(**{"sources": sources, "tokenizer": SMALL, "validation_fraction": 0.2} | more)


def files_spec(path, **more) -> DataSpec:
    return miniworld(sources=[{"kind": "files", "name": "mine", "options": {"path": str(path)}}], **more)


def documents_of(shard, tokenizer):
    edges = shard.document_starts
    return [tokenizer.decode(shard.tokens[start : stop - 1]) for start, stop in pairwise(edges)]


def tree(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_every_document_lies_on_one_side_and_comes_back(tmp_path):
    spec = miniworld("ja", "code")
    prepared = prepare(spec, tmp_path)
    tokenizer = Tokenizer.load(prepared.tokenizer_file)
    for register, shards in prepared.sources.items():
        sides = {side: documents_of(getattr(shards, side), tokenizer) for side in ("train", "validation")}
        count = sum(map(len, sides.values()))
        stream = documents(register)
        originals = [next(stream).text for _ in range(count)]
        for side, found in sides.items():
            assert found == [text for text in originals if text in set(found)]
            shard = getattr(shards, side)
            assert shard.num_bytes == sum(len(text.encode()) for text in found)
            assert (shard.tokens[shard.document_starts[1:] - 1] == tokenizer.eos_id).all()
        assert set(sides["train"]).isdisjoint(sides["validation"])
        assert set(originals) == {*sides["train"], *sides["validation"]}


def test_duplicates_never_cross_sides(tmp_path):
    records = [{"text": next(documents("ja", start=number % 40)).text} for number in range(400)]
    file = tmp_path / "a.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in records))
    prepared = prepare(files_spec(file), tmp_path / "data")
    tokenizer = Tokenizer.load(prepared.tokenizer_file)
    train, validation = (
        set(documents_of(one, tokenizer))
        for one in (prepared.sources["mine"].train, prepared.sources["mine"].validation)
    )
    assert len(train) + len(validation) == 40 and train.isdisjoint(validation)


def test_again_reads_nothing(tmp_path, monkeypatch):
    spec = miniworld()
    first = prepare(spec, tmp_path)
    monkeypatch.setattr("studylib.data.vocabulary.train_tokenizer", None)
    monkeypatch.setattr("studylib.data.texts.write_text_folder", None)
    lines = []
    assert prepare(spec, tmp_path, progress=lines.append).folder == first.folder
    assert lines == []


def test_the_same_specification_gives_the_same_bytes(tmp_path):
    one, two = (prepare(miniworld("en"), tmp_path / name) for name in ("a", "b"))
    assert tree(one.folder) == tree(two.folder)


def test_several_threads_give_the_same_shards(tmp_path, monkeypatch):
    one = prepare(miniworld("ja"), tmp_path / "a", workers=1)
    monkeypatch.setattr("studylib.data.shards._BATCH_BYTES", 20_000)
    two = prepare(miniworld("ja"), tmp_path / "b", workers=3)
    assert tree(one.folder) == tree(two.folder)


def test_another_tokenizer_uses_the_text_again(tmp_path):
    prepare(miniworld(), tmp_path)
    lines = []
    prepare(miniworld(tokenizer=SMALL | {"kind": "unigram"}), tmp_path, progress=lines.append)
    assert not [line for line in lines if "reading" in line]


def test_bytes_behind_tokens(tmp_path):
    shard = prepare(miniworld(), tmp_path).sources["ja"].train
    assert shard.bytes_in(0, shard.num_tokens) == pytest.approx(shard.num_bytes)
    whole = shard.document_starts
    first = shard.bytes_in(whole[3], whole[4])
    assert first == int(first) > 0
    middle = (whole[3] + whole[4]) // 2
    assert shard.bytes_in(whole[3], middle) + shard.bytes_in(middle, whole[4]) == pytest.approx(first)
    assert shard.tokens.dtype == np.uint16


@pytest.mark.parametrize("damage", ["cut", "flipped", "missing", "manifest"])
def test_damaged_data_are_refused_and_made_anew(tmp_path, damage):
    spec = miniworld()
    prepared = prepare(spec, tmp_path)
    before = tree(prepared.folder)
    file = next(path for path in prepared.folder.iterdir() if path.name.endswith(".train.tokens"))
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-2])
    elif damage == "flipped":
        content = bytearray(file.read_bytes())
        content[100] ^= 1
        file.write_bytes(content)
        manifest = prepared.folder / "manifest.json"
        os.utime(manifest, ns=(1, 1))  # as another process sees it, which has not looked yet
    elif damage == "missing":
        file.unlink()
    else:
        (prepared.folder / "manifest.json").write_text('{"schema": 1')
    with pytest.raises(StudyError):
        PreparedData(prepared.folder)
    assert tree(prepare(spec, tmp_path).folder) == before


def test_a_source_that_changed_since_is_refused_but_may_be_gone(tmp_path):
    file = tmp_path / "a.txt"
    lines = "".join(one.text for one in islice(documents("ja"), 60))
    file.write_text(lines)
    spec = files_spec(file)
    spec = spec.replace(sources=[{"kind": "files", "name": "mine", "options": {"path": str(file), "document": "line"}}])
    prepare(spec, tmp_path / "data")
    file.write_text(lines + "新しい行。\n")
    with pytest.raises(StudyError, match=r"a\.txt has changed since"):
        prepare(spec, tmp_path / "data")
    file.unlink()
    assert prepare(spec, tmp_path / "data").sources["mine"].train.num_tokens > 0


def test_evaluation_text_that_changed_since_is_refused(tmp_path):
    file = tmp_path / "held_out.txt"
    file.write_text("どこにも出てこない評価用の文章がここに一つだけ書かれている。")
    spec = miniworld(evaluation_only=(str(file),))
    prepare(spec, tmp_path / "data")
    prepare(spec, tmp_path / "data")
    file.write_text("評価用の文章は、あとから別のものに差しかえられてしまったのだった。")
    with pytest.raises(StudyError, match=r"held_out\.txt has changed since"):
        prepare(spec, tmp_path / "data")


@pytest.mark.parametrize("step", ["text", "tokens"])
def test_a_full_disk_is_explained_and_loses_nothing(tmp_path, monkeypatch, step):
    finished = prepare(miniworld("code"), tmp_path)

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device", "shard")

    place = "studylib.data.texts.write_text_folder" if step == "text" else "studylib.data.build.write_tokens"
    with monkeypatch.context() as patch:
        patch.setattr(place, full)
        with pytest.raises(StudyError, match=r"the disk is full.*make room"):
            prepare(miniworld("ja"), tmp_path)
    assert not list(tmp_path.rglob(".*work-*"))
    assert PreparedData(finished.folder).sources
    assert prepare(miniworld("ja"), tmp_path).sources


def test_a_side_without_text_is_an_error_that_helps(tmp_path):
    (tmp_path / "a.txt").write_text("一つだけの文書。" * 100)
    with pytest.raises(
        StudyError, match=r"mine.*1 documents, all of them on the (train|validation) side.*blank or line"
    ):
        prepare(files_spec(tmp_path / "a.txt"), tmp_path / "data")
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(StudyError, match="'mine' has no text"):
        prepare(files_spec(tmp_path / "empty.txt"), tmp_path / "data")


def test_an_impossible_vocabulary_is_named(tmp_path):
    with pytest.raises(StudyError, match=r"data\.tokenizer\.vocab_size: 60000 is more than"):
        prepare(miniworld(tokenizer={"vocab_size": 60_000, "kind": "bpe"}), tmp_path)


SCRIPT = """
import sys
from pathlib import Path
from studylib.data import prepare
from studylib.spec import DataSpec
print(prepare(DataSpec.model_validate_json(sys.argv[1]), Path(sys.argv[2])).folder, flush=True)
"""


def start(spec, folder):
    command = [sys.executable, "-c", SCRIPT, spec.model_dump_json(), str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_killed_at_any_moment_nothing_half_made_is_used(tmp_path):
    spec = miniworld("ja", "en")
    whole = tree(prepare(spec, tmp_path / "whole").folder)
    for files in (1, 3, 8):
        process = start(spec, tmp_path / "data")
        while process.poll() is None and len(list((tmp_path / "data").rglob("*"))) < files:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert tree(prepare(spec, tmp_path / "data").folder) == whole
    assert not list((tmp_path / "data").rglob(".*work-*"))


def test_two_at_once_make_one(tmp_path):
    spec = miniworld("en")
    processes = [start(spec, tmp_path) for _ in range(2)]
    printed = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert len(printed) == 1
    assert len([path for path in tmp_path.iterdir() if path.is_dir() and path.name not in ("text", "tokenizers")]) == 1
