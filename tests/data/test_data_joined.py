"""Several sources as one, each document with the name of the one that it is from."""

from __future__ import annotations

import json
from itertools import groupby

import pytest

from studylib.data.digest import Allowance, FileDigests
from studylib.errors import StudyError
from studylib.registry import SOURCES
from studylib.spec import DataSpec
from studylib.steps._prepared import text_bytes


def lines(file, texts):
    file.write_text("".join(json.dumps({"text": one}, ensure_ascii=False) + "\n" for one in texts), encoding="utf-8")
    return {"path": str(file)}


def joined(*sources, **options):
    return SOURCES["joined"]("mixed", {"sources": list(sources), **options})


@pytest.fixture
def two(tmp_path):
    clean = lines(tmp_path / "clean.jsonl", [f"整った文章{number}" for number in range(8)])
    noisy = lines(tmp_path / "noisy.jsonl", [f"広告{number}" * 2 for number in range(3)])
    return {"name": "clean", "options": clean}, {"name": "noisy", "options": noisy}


def names(source):
    return [document.labels["from"] for document in source.documents()]


def test_each_document_is_labelled_and_none_is_lost(two):
    source = joined(*two)
    documents = list(source.documents())
    assert sorted(one.text for one in documents if one.labels["from"] == "noisy") == [
        "広告0広告0",
        "広告1広告1",
        "広告2広告2",
    ]
    assert len(documents) == 11 and documents[0].origin.endswith("line 1")
    assert names(source) == names(joined(*two)), "the order is always the same"


def test_weights_say_how_much_of_each_comes_in_turn(two):
    even = names(joined(*two))
    # 16 bytes against 14: the one that is behind comes next.
    assert even[:5] == ["clean", "noisy", "noisy", "clean", "noisy"]
    heavy = names(joined(two[0] | {"weight": 3}, two[1]))
    assert [len(list(run)) for _, run in groupby(heavy)][:6] == [1, 1, 2, 1, 3, 1]
    assert names(joined(*two, order="in_order")) == ["clean"] * 8 + ["noisy"] * 3


def test_in_order_the_parts_are_read_side_by_side_and_give_the_same(two):
    source = joined(*two, order="in_order")
    parts = source.parts()
    assert len(parts) == 2
    assert [(one.text, one.labels) for part in parts for one in part.documents()] == [
        (one.text, one.labels) for one in source.documents()
    ]
    mixed = joined(*two)
    assert mixed.parts() == [mixed]


def test_files_notes_and_looks_are_those_of_all(two):
    source = joined(*two)
    assert sorted(file.rpartition("/")[2] for file in source.inputs(FileDigests())) == ["clean.jsonl", "noisy.jsonl"]
    list(source.documents())
    assert source.notes()["noisy: rows_without_text"] == 0
    looked, unread = source.look(Allowance(10**6))
    assert len(list(looked)) == 11 and unread == [] and source.given and not source.remote
    _, unread = source.look(Allowance(0, parts=0))
    assert any(line.startswith("clean: ") for line in unread)


@pytest.mark.parametrize(
    ("sources", "says"),
    [
        ([], "sources"),
        ([{"name": "a", "kind": "fils"}], "'fils' is not a known source; choose from"),
        ([{"name": "a", "options": {"path": "x"}}] * 2, "sources: 'a' is the name of two of them"),
        ([{"name": "a", "options": {"path": "jglue/train.jsonl"}}], "names JGLUE"),
        ([{"name": "a", "options": {"paht": "x"}}], "mixed: a: key 'paht' in the top level: 'x' is not known"),
    ],
)
def test_bad_parts_are_one_line(sources, says):
    with pytest.raises(StudyError) as error:
        joined(*sources)
    assert says in str(error.value) and "\n" not in str(error.value)


def test_a_missing_file_of_one_is_told(two, tmp_path):
    with pytest.raises(StudyError, match=r"data\.sources mixed: gone: path: .* does not exist"):
        joined(two[0], {"name": "gone", "options": {"path": str(tmp_path / "gone.jsonl")}}).check()


def test_steps_that_make_the_text_of_one_are_read_by_all():
    inner = [
        {"name": "made", "kind": "generated", "options": {"made": "0" * 16}},
        {"name": "ja", "kind": "miniworld", "options": {"bytes": 7}},
    ]
    data = DataSpec(sources=({"kind": "joined", "name": "x", "options": {"sources": inner}},))
    assert data.texts["x"].reads == (f"made/{'0' * 16}",)
    assert text_bytes(data.sources[0].options) == 7
