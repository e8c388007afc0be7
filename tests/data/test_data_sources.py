"""Sources: what they read, and how they say what is wrong before anything expensive happens."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studylib.data import check_sources
from studylib.data.digest import Allowance, FileDigests
from studylib.data.read import Columns, reader_of
from studylib.errors import StudyError
from studylib.registry import SOURCES
from studylib.spec import DataSpec

TEXTS = ["一つ目の文書。\n二行目。", "second document", "三つ目 🦊\0\t制御文字"]


def source(kind="files", **options):
    options = {key: str(value) if key == "path" else value for key, value in options.items()}
    return SOURCES[kind]("label", options)


def texts(**options):
    return [document.text for document in source(**options).documents()]


def jsonl(records) -> bytes:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records).encode()


RECORDS = [{"text": text, "n": number} for number, text in enumerate(TEXTS)]


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.jsonl", bytes),
        ("a.jsonl.gz", gzip.compress),
        ("a.jsonl.bz2", bz2.compress),
        ("a.jsonl.zst", lambda content: pa.compress(content, codec="zstd", asbytes=True)),
    ],
)
def test_json_lines_packed_and_plain(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(jsonl(RECORDS)))
    assert texts(path=tmp_path / name) == TEXTS


def test_parquet_in_order_and_null_rows_counted(tmp_path):
    pq.write_table(pa.table({"body": [*TEXTS, None, ""], "id": range(5)}), tmp_path / "a.parquet", row_group_size=2)
    made = source(path=tmp_path / "a.parquet", text_column="body")
    assert [document.text for document in made.documents()] == TEXTS
    assert made.notes()["rows_without_text"] == 2


def test_plain_text_by_file_block_and_line(tmp_path):
    (tmp_path / "a.txt").write_text("一\n二\n\n\n三\n", encoding="utf-8")
    assert texts(path=tmp_path / "a.txt") == ["一\n二\n\n\n三\n"]
    assert texts(path=tmp_path / "a.txt", document="blank") == ["一\n二\n", "三\n"]
    assert texts(path=tmp_path / "a.txt", document="line") == ["一", "二", "三"]


def test_a_folder_and_a_pattern_are_read_in_order(tmp_path):
    for name in ("b.txt", "deep/a.txt", "c.md", "ignored.bin"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert texts(path=tmp_path) == ["b.txt", "c.md", "deep/a.txt"]
    assert texts(path=tmp_path / "**" / "*.txt") == ["b.txt", "deep/a.txt"]


def test_a_large_file_is_cut_at_a_lines_end(tmp_path, monkeypatch):
    monkeypatch.setattr("studylib.data.read.plain.MAX_DOCUMENT", 1_000_000)
    line = "同じような行が続く。\n"
    (tmp_path / "a.txt").write_text(line * 200_000, encoding="utf-8")
    parts = texts(path=tmp_path / "a.txt")
    assert len(parts) > 1 and "".join(parts) == line * 200_000
    assert all(part.endswith("\n") for part in parts)


def test_max_bytes_stops_early(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(jsonl(RECORDS * 100))
    assert 1 <= len(texts(path=tmp_path / "a.jsonl", max_bytes=100)) < 10


def edited_in_the_middle(file):
    """Another text of the same size, with the old time of modification."""
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("settled", [True, False], ids=["kept", "too new to keep"])
def test_the_digest_follows_every_byte(tmp_path, monkeypatch, settled):
    monkeypatch.setattr("studylib.data.digest._SETTLED_NS", -(10**18) if settled else 10**18)
    file, kept = tmp_path / "a.txt", tmp_path / "digests.json"
    file.write_bytes(b"x" * 5_000_000)
    before = source(path=file).inputs(FileDigests(kept))
    assert kept.exists() == settled
    with monkeypatch.context() as patch:
        if settled:
            patch.setattr("studylib.data.digest.file_hash", lambda path: pytest.fail("read again"))
        assert source(path=file).inputs(FileDigests(kept)) == before
    time.sleep(0.05)  # more than a tick of the clock that stamps files
    edited_in_the_middle(file)
    assert source(path=file).inputs(FileDigests(kept)) != before
    if settled:
        kept.write_text("{")
    assert source(path=file).inputs(FileDigests(kept)) != before


def test_a_digest_that_may_not_be_taken_is_empty(tmp_path):
    for name, size in (("a.txt", 100), ("b.txt", 3_000)):
        (tmp_path / name).write_bytes(b"x" * size)
    small, large = source(path=tmp_path).inputs(FileDigests(None, Allowance(1_000))).values()
    assert len(small) == 32 and large == ""


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_an_array_of_records_is_read_whatever_its_layout(tmp_path, monkeypatch, block):
    monkeypatch.setattr("studylib.data.read.decode.BLOCK", block)
    rows = [{"text": text, "at": [1, {"b": "]}"}]} for text in ("東の[港", '霧"が},{', "", "あ\n\\")]
    for name, content in {
        "flat.json": json.dumps(rows, ensure_ascii=False),
        "laid.jsonl": "\n " + json.dumps(rows, indent=2) + "\n\n",
        "none.json": "[ ]",
    }.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
        expected = [] if name == "none.json" else [row["text"] for row in rows if row["text"]]
        assert texts(path=tmp_path / name) == expected


def test_of_a_large_array_the_beginning_is_looked_at(tmp_path):
    file = tmp_path / "large.json"
    rows = [{"text": f"{number} " + "あ" * 100} for number in range(3000)]
    file.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
    found = [one.text.split()[0] for one in reader_of(file).sample(file, Columns("text"))]
    assert 100 < len(found) < 3000 and found == [str(number) for number in range(len(found))]


def broken(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    return tmp_path / name


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"PAR1 nonsense", r"a\.parquet.*not a readable parquet"),
        ("a.jsonl", b'{"text": "a"}\n{"text": \n', r"line 2 is not a JSON record"),
        ("a.jsonl", b'["text"]\n', r"record 1 is not a JSON record but str"),
        ("a.json", b'[{"text": "a"}, 5]', r"record 2 is not a JSON record but int"),
        ("a.json", b'[{"text": "a"} {"text": "b"}]', r"record 2 is not a JSON record: '\{' stands where ,\] is to be"),
        ("a.json", b'[{"text": "a"}] []', r"record 2 is not a JSON record: '\[' stands where the end is to be"),
        ("a.json", b'[{"text": "a"},\n{"text": "b"', r"record 2 is not a JSON record: Expecting ',' delimiter"),
        ("a.json", b'[\n{"text": "a"}', r"record 2 is not a JSON record: the array has no end"),
        ("a.json", b'[{"body": "a"}]', r"a\.json record 1: text_column: 'text' is not a field; choose from body"),
        ("a.jsonl", b'{"text": 5}\n', r"line 1: text_column: 'text' holds int, not text, and no other column does"),
        ("a.jsonl", b'{"text": 5, "body": "x"}\n', r"'text' holds int, not text; choose from body"),
        ("a.json", b'{\n  "text": "a"\n}\n', r"line 1 is not a JSON record: .*jq -c \. a\.json > a\.lines\.jsonl"),
        ("a.jsonl", b'{"body": "x", "id": 1}\n', r"'text' is not a field; choose from body, id"),
        ("a.jsonl", b'{"text": "ok"}\n{"text": "\xff"}\n', r"not UTF-8 at line 2, byte 25"),
        ("a.jsonl.gz", b"\x1f\x8b not gzip", r"is damaged"),
        ("a.jsonl.zst", b"not zstd at all", r"is damaged"),
        ("a.txt", b"abc\xe3\x81\xff", r"not UTF-8 at line 1, byte 3"),
        ("a.txt", b"x" * (1 << 20) + b"\xff", r"not UTF-8 at line 1, byte 1048576"),
        ("a.txt", b"x" * ((1 << 20) - 1) + "あ".encode()[:2], r"not UTF-8 at line 1, byte 1048575"),
        ("a.xyz", b"x", r"no format that can be read; choose from \.parquet"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, name, content, message):
    with pytest.raises(StudyError, match=message):
        texts(path=broken(tmp_path, name, content))


def test_a_parquet_cut_short_or_without_the_column_is_found_by_check(tmp_path):
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"body": TEXTS, "number": [1, 2, 3]}), file)
    with pytest.raises(StudyError, match=r"text_column: 'text' is not a column; choose from body, number"):
        source(path=file).check()
    with pytest.raises(StudyError, match="'number' holds int64, not text; choose from body"):
        source(path=file, text_column="number").check()
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(StudyError, match="not a readable parquet"):
        source(path=file, text_column="body").check()


def test_a_parquet_damaged_inside_is_found_while_reading(tmp_path):
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [f"文書{number}" * 50 for number in range(2000)]}), file, compression="zstd")
    content = bytearray(file.read_bytes())
    content[100:400] = b"\0" * 300
    file.write_bytes(content)
    source(path=file).check()
    with pytest.raises(StudyError, match="is broken after row 0"):
        texts(path=file)


def test_invalid_utf8_in_a_parquet_is_said_with_its_row(tmp_path):
    array = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0\5\0\0\0"), pa.py_buffer(b"okx\xffz")]
    )
    pq.write_table(pa.table({"text": array}), tmp_path / "a.parquet")
    with pytest.raises(StudyError, match=r"not UTF-8 at row 1, byte 1"):
        texts(path=tmp_path / "a.parquet")


def test_missing_and_empty_places(tmp_path):
    with pytest.raises(StudyError, match="does not exist"):
        source(path=tmp_path / "nowhere").check()
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudyError, match=r"holds no file that may be read"):
        source(path=tmp_path / "empty").check()
    with pytest.raises(StudyError, match=r"holds no file"):
        source(path=tmp_path / "*.jsonl").check()


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("files", {"paht": "x"}, r"key 'paht' .* choose from .*path.*did you mean path"),
        ("files", {}, r"path: None is missing"),
        ("files", {"path": "x", "max_bytes": 0}, r"max_bytes: 0 is not valid"),
        (
            "files",
            {"path": "x", "encoding": "sjsi"},
            r"encoding: 'sjsi' is not an encoding of text; choose from utf-8, cp932",
        ),
        ("files", {"path": "x", "encoding": "base64"}, r"encoding: 'base64' is not an encoding of text"),
        ("files", {"path": "x", "document": "page"}, r"document: 'page'.*'file', 'blank' or 'line'"),
        (
            "miniworld",
            {"register": "jaa"},
            r"register.*'jaa'.*choose from code, en, instruct, ja, preferences, web \(did you mean ja",
        ),
        ("miniworld", {"bytes": "many"}, r"bytes: 'many'"),
        ("hub", {"dataset": "a/b"}, r"revision: None is missing"),
        ("hub", {"dataset": "a/b", "revision": "main"}, r"revision: 'main' is not a commit of 40"),
        (
            "hub",
            {"dataset": "izumi-lab/llm-japanese-dataset", "revision": "0" * 40},
            r"dataset: .* mixes rows made from JGLUE",
        ),
    ],
)
def test_bad_options_are_named_before_anything_is_read(kind, options, message):
    data = DataSpec(sources=[{"kind": kind, "name": "mine", "options": options}])
    with pytest.raises(StudyError, match=rf"data\.sources mine: {message}"):
        check_sources(data)


def test_jglue_on_the_hub_is_refused_by_name():
    options = {"dataset": "shunk031/JGLUE", "config": "JSTS", "revision": "0" * 40}
    with pytest.raises(StudyError, match="must never be training data"):
        check_sources(DataSpec(sources=[{"kind": "hub", "options": options}]))


def test_a_lone_surrogate_is_named_with_its_place(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "ok"}\n{"text": "a\\ud800b"}\n')
    documents = list(source(path=tmp_path / "a.jsonl", max_bytes=1).documents())
    assert len(documents) == 1
    with pytest.raises(StudyError, match=r"line 2: text: .*lone surrogate at character 1"):
        [document.utf8() for document in source(path=tmp_path / "a.jsonl").documents()]


def test_a_hub_data_set_from_a_local_folder(tmp_path):
    pq.write_table(pa.table({"text": TEXTS * 10}), tmp_path / "train-00000-of-00001.parquet")
    options = {"dataset": str(tmp_path), "revision": "0" * 40}
    made = source("hub", **options)
    made.check()
    assert [document.text for document in made.documents()] == TEXTS * 10
    assert len(list(source("hub", **options, max_bytes=60).documents())) < 5
    with pytest.raises(StudyError, match=r"text_column: 'body' is not a column; choose from text"):
        source("hub", **options, text_column="body").check()
    with pytest.raises(StudyError, match=r"cannot be loaded .*split nowhere"):
        source("hub", **options, split="nowhere").check()
