"""Text as people have it: other encodings and line ends, odd names, what parquet and gzip writers leave behind."""

from __future__ import annotations

import gzip
import json
import shutil
import unicodedata
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studylib.data import check_sources, look_at_sources
from studylib.data.digest import Allowance
from studylib.data.miniworld import documents
from studylib.data.text import PREPARE_VERSION
from studylib.errors import StudyError
from studylib.registry import SOURCES
from studylib.spec import DataSpec

LINES = [f"{number}番の船は朝早く港を出て、夕方に戻ってきた。" for number in range(40)]
TEXT = "\n".join(LINES) + "\n"
OTHER_LINES = [one.text.split("\n")[0] for one in islice(documents("ja"), 40)]  # no near copies of one another


def source(path, **options):
    return SOURCES["files"]("label", {"path": str(path)} | options)


def texts(path, **options):
    return [document.text for document in source(path, **options).documents()]


def refusal(path, **options) -> str:
    with pytest.raises(StudyError) as raised:
        texts(path, **options)
    assert "\n" not in str(raised.value)
    return str(raised.value)


# --- encodings and line ends


@pytest.mark.parametrize("document", ["file", "blank", "line"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "BOM"])
def test_line_ends_and_marks_make_no_difference(tmp_path, mark, end, document):
    text = "\n".join([*LINES[:5], "", *LINES[5:]]) + "\n"
    (tmp_path / "a.txt").write_bytes(mark + text.replace("\n", end).encode())
    expected = {"file": [text], "line": LINES, "blank": ["\n".join(part) + "\n" for part in (LINES[:5], LINES[5:])]}
    assert texts(tmp_path / "a.txt", document=document) == expected[document]


def test_a_line_end_across_two_blocks_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr("studylib.data.read.decode.BLOCK", 7)
    (tmp_path / "a.txt").write_bytes(TEXT.replace("\n", "\r\n").encode())
    assert texts(tmp_path / "a.txt", document="line") == LINES


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_records_end_and_hold_lines_alike(tmp_path, end):
    rows = [json.dumps({"text": f"{line}\r\n次の行\rその次"}).encode() for line in LINES]
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + end.join(rows) + end + b"\xef\xbb\xbf" + rows[0])
    table = pa.table({"text": [f"\ufeff{line}\r\n次の行\rその次" for line in [*LINES, LINES[0]]]})
    pq.write_table(table, tmp_path / "a.parquet")
    expected = [f"{line}\n次の行\nその次" for line in [*LINES, LINES[0]]]
    assert texts(tmp_path / "a.jsonl") == texts(tmp_path / "a.parquet") == expected


@pytest.mark.parametrize("encoding", ["cp932", "euc_jp", "utf_16", "iso2022_jp"])
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl"])
def test_another_encoding_is_named_and_the_advice_works(tmp_path, name, encoding):
    content = (
        TEXT if name == "a.txt" else "".join(json.dumps({"text": one}, ensure_ascii=False) + "\n" for one in LINES)
    )
    (tmp_path / name).write_bytes(content.encode(encoding))
    said = refusal(tmp_path / name)
    assert f"encoding: {encoding}" in said and str(tmp_path / name) in said
    assert texts(tmp_path / name, encoding=encoding, document="line") == LINES


def test_japanese_behind_much_ascii_is_found_with_its_line(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"license: as is\n" * 100_000 + TEXT.encode("cp932"))
    said = refusal(tmp_path / "a.txt")
    assert "is not UTF-8 at line 100001, byte 1500001" in said and "encoding: cp932" in said
    (tmp_path / "a.txt").write_bytes(b"license: as is\n" * 100_000 + TEXT.encode("iso2022_jp"))
    assert "is in ISO-2022-JP" in refusal(tmp_path / "a.txt")


def test_one_damaged_byte_is_no_other_encoding(tmp_path):
    content = bytearray(TEXT.encode())
    content[len("".join(LINES[:20]).encode()) + 20] = 0xFF  # the first byte of the 21st line
    (tmp_path / "a.txt").write_bytes(content)
    said = refusal(tmp_path / "a.txt")
    assert "at line 21, byte" in said and "looks like" not in said and "mend it, or leave the file out" in said


def test_a_wrong_encoding_names_itself_and_the_right_one(tmp_path):
    (tmp_path / "a.txt").write_bytes(TEXT.encode("euc_jp"))
    said = refusal(tmp_path / "a.txt", encoding="ascii")
    assert "is not ascii at" in said and "encoding: euc_jp" in said


def test_escape_sequences_in_a_record_are_dropped_and_counted(tmp_path):
    stray = LINES[0].encode("iso2022_jp").decode("ascii")
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": one}) + "\n" for one in [*LINES, stray]))
    made = source(tmp_path / "a.jsonl")
    assert [one.text for one in made.documents()] == LINES
    assert made.notes()["rows_in_iso_2022_jp"] == 1
    coloured = "\x1b[31m赤い文字\x1b[0m と \x1b$ だけ"
    (tmp_path / "b.txt").write_text(coloured)
    assert texts(tmp_path / "b.txt") == [coloured], "other escape sequences are none of its business"


def test_the_encoding_is_part_of_the_hash():
    specs = [
        DataSpec(sources=[{"kind": "files", "name": "a", "options": {"path": "x"} | more}])
        for more in ({}, {"encoding": "cp932"})
    ]
    assert specs[0].hash != specs[1].hash


# --- names


def test_a_name_that_is_there_is_no_pattern(tmp_path):
    folder = tmp_path / "corpus [v1] #2 100%" / "本 文*"
    folder.mkdir(parents=True)
    for name in ("a.txt", "b[1].txt"):
        (folder / name).write_text(name)
    assert texts(folder) == texts(folder / "*.txt") == ["a.txt", "b[1].txt"]
    assert texts(folder / "b[1].txt") == ["b[1].txt"]
    assert texts(folder.parent / "**" / "*[[]1].txt") == ["b[1].txt"]


@pytest.mark.parametrize(("given", "there"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_name_composed_otherwise_is_the_same_name(tmp_path, given, there):
    name = "データが[ガ]"
    folder = tmp_path / unicodedata.normalize(there, name)
    folder.mkdir()
    (folder / unicodedata.normalize(there, "プログラム.txt")).write_text("あ")
    asked = tmp_path / unicodedata.normalize(given, name)
    assert asked != folder
    assert texts(asked) == texts(asked / unicodedata.normalize(given, "プログ*.txt")) == ["あ"]
    assert texts(asked / unicodedata.normalize(given, "プログラム.txt")) == ["あ"]
    asked.mkdir()
    with pytest.raises(StudyError, match="holds no file"):
        texts(asked)


def test_a_near_miss_is_named_in_either_form(tmp_path):
    (tmp_path / unicodedata.normalize("NFD", "データガ集")).mkdir()
    for form in ("NFC", "NFD"):
        said = refusal(tmp_path / unicodedata.normalize(form, "データガ") / "a.txt")
        assert "does not exist" in said and "did you mean データガ集?" in said


# --- parquet and gzip


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.dictionary(pa.int32(), pa.large_string()),
    ],
    ids=str,
)
def test_every_kind_of_string_column_is_read(tmp_path, kind):
    values = pa.array([*LINES, None, LINES[0]], pa.string()).cast(kind)
    pq.write_table(pa.table({"text": values}), tmp_path / "a.parquet", row_group_size=7)
    assert texts(tmp_path / "a.parquet") == [*LINES, LINES[0]]


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.list_(pa.string()), pa.list_(pa.string(), 1)],
    ids=str,
)
def test_every_kind_of_string_column_beside_the_text_is_shown_to_the_gate(tmp_path, kind):
    value = ["答え"] if kind.num_fields else "答え"
    pq.write_table(pa.table({"text": [LINES[0]], "answer": pa.array([value], kind)}), tmp_path / "a.parquet")
    (document,) = source(tmp_path / "a.parquet").documents()
    assert document.record["answer"] == value


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view()], ids=str)
def test_a_column_of_bytes_is_read_when_told_in_what(tmp_path, kind):
    file = tmp_path / "a.parquet"
    for encoding in ("utf-8", "cp932"):
        pq.write_table(pa.table({"text": pa.array([one.encode(encoding) for one in LINES], kind)}), file)
        assert f"holds {kind}, not text; " in refusal(file) and "encoding: utf-8" in refusal(file)
        assert texts(file, encoding=encoding) == LINES
    assert "is not UTF-8 at row 0, byte" in refusal(file, encoding="utf-8")


def test_gzip_with_zeros_behind_is_whole_and_a_cut_one_is_not(tmp_path):
    content = gzip.compress(TEXT.encode()) + gzip.compress(TEXT.encode())
    for name, end in (("whole", b""), ("padded", b"\0" * 3000)):
        (tmp_path / f"{name}.txt.gz").write_bytes(content + end)
        assert texts(tmp_path / f"{name}.txt.gz", document="line") == LINES * 2
    for name, cut in (("cut", content[:-30]), ("no trailer", content[:-8]), ("rubbish behind", content + b"rubbish")):
        (tmp_path / f"{name}.txt.gz").write_bytes(cut)
        assert "is damaged" in refusal(tmp_path / f"{name}.txt.gz")


# --- a look at once


def data(path, **options) -> DataSpec:
    return DataSpec(
        sources=[{"kind": "files", "name": "mine", "options": {"path": str(path)} | options}], validation_fraction=0.2
    )


def rows(count: int, **changed: object) -> list[str]:
    lines = [json.dumps({"text": f"{number}: {LINES[number % 40]}"}, ensure_ascii=False) for number in range(count)]
    for number, line in changed.items():
        lines[int(number.removeprefix("at"))] = str(line)
    return lines


@pytest.mark.parametrize(("place", "seen"), [(30, True), (7000, True), (13990, True), (4000, False)])
def test_of_a_large_file_start_middle_and_end_are_looked_at(tmp_path, place, seen):
    file = tmp_path / "a.jsonl"
    file.write_text("\n".join(rows(14_000, **{f"at{place}": '{"text": 5}'})) + "\n")
    assert file.stat().st_size > 1_100_000
    if seen:
        with pytest.raises(StudyError, match="holds int, not text"):
            look_at_sources(data(file), Allowance(1_000_000))
    else:
        (line,) = look_at_sources(data(file), Allowance(1_000_000))
        assert line == f"mine: {file}, but for a part of its 1 MB"
    with pytest.raises(StudyError, match=rf"line {place + 1}: .*holds int, not text"):
        look_at_sources(data(file), Allowance(4_000_000))


def test_a_look_says_how_many_files_it_left_out(tmp_path):
    for number in range(12):
        (tmp_path / f"{number:02d}.txt").write_text(f"{number}\n".join(OTHER_LINES * 400))
    lines = look_at_sources(data(tmp_path, document="line"), Allowance((tmp_path / "00.txt").stat().st_size))
    assert len(lines) == 9 and lines[0].startswith(f"mine: {tmp_path / '01.txt'}, but for a part")
    assert lines[-1].startswith("mine: 3 more files (") and "09.txt and on" in lines[-1]
    assert look_at_sources(data(tmp_path, document="line"), Allowance(50_000_000)) == []


def test_text_in_several_data_is_looked_at_once(tmp_path):
    for name in ("00.txt", "01.txt"):
        (tmp_path / name).write_text("\n".join(OTHER_LINES * 400))
    one = data(tmp_path, document="line")
    other = one.replace(tokenizer_of=one)
    allowance, seen = Allowance((tmp_path / "00.txt").stat().st_size, parts=0), {}
    size = (tmp_path / "01.txt").stat().st_size / 1e6
    expected = [f"mine: {tmp_path / '01.txt'} ({size:,.0f} MB)"]
    assert look_at_sources(other, allowance, seen) == expected
    assert look_at_sources(other.replace(added_pieces=8), allowance, seen) == expected
    assert look_at_sources(other, allowance) != expected  # nothing is left to read of it


@pytest.mark.parametrize("codec", ["zstd", "none"])
def test_a_large_parquet_is_looked_at_in_its_last_group(tmp_path, codec):
    values = [line.encode() for line in LINES * 50]
    values[1995] = b"\xff\xfe"
    column = pa.array(values, pa.binary())
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet", row_group_size=30, compression=codec)
    with pytest.raises(StudyError, match="is not UTF-8 at row 1995"):
        look_at_sources(data(tmp_path / "a.parquet", encoding="utf-8"), Allowance(10))


def test_copies_are_called_copies(tmp_path):
    (tmp_path / "a.jsonl").write_text("\n".join(rows(1) * 800))
    for check in (lambda one: look_at_sources(one, Allowance(10**6)), lambda one: prepared(one, tmp_path)):
        with pytest.raises(
            StudyError, match=r"800 documents, but only 1 different ones; near copies go to one side"
        ) as raised:
            check(data(tmp_path / "a.jsonl"))
        assert "more or shorter" not in str(raised.value)
    shutil.rmtree(tmp_path / "data", ignore_errors=True)
    (tmp_path / "b.txt").write_text(TEXT)
    with pytest.raises(StudyError, match=r"1 documents, all of them on .*more or shorter documents"):
        look_at_sources(data(tmp_path / "b.txt"), Allowance(10**6))


def prepared(spec, folder):
    from studylib.data import read_sources

    check_sources(spec)
    read_sources(spec, folder / "data")


def test_of_prepared_data_nothing_more_is_read(tmp_path):
    """Published records of data may lie in a folder without those of the data that their tokenizer is of."""
    from studylib.data import read_sources

    (tmp_path / "a.txt").write_text("\n".join(OTHER_LINES))
    parent = data(tmp_path / "a.txt", document="line")
    child = parent.replace(tokenizer_of=parent)
    home = tmp_path / "study" / child.hash
    home.mkdir(parents=True)
    record = {"status": "done", "hash": child.hash, "restored": True, "version": PREPARE_VERSION, "sources": {}}
    (home / "manifest.json").write_text(json.dumps(record))
    read_sources(child, tmp_path / "study")
    assert [one.name for one in home.parent.iterdir()] == [child.hash]
    shutil.rmtree(home)
    read_sources(child, tmp_path / "study")
    assert list((tmp_path / "study" / "text").iterdir())
