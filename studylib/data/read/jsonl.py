"""JSON lines, one record a line; or one array of records, however it is laid out."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from studylib.data.document import Document
from studylib.data.read import Columns
from studylib.data.read.array import array_records
from studylib.data.read.decode import numbered_lines, text_blocks, tidy
from studylib.data.read.look import windows
from studylib.data.read.packed import PACKED, open_bytes
from studylib.errors import invalid

MAX_LINE = 64 << 20  # characters


class JsonLinesReader:
    """Records with a text field; a line that is not a record, or has no such field, is an error with its number."""

    def check(self, file: Path, columns: Columns) -> None:
        for _ in self.read(file, columns):
            return

    def read(self, file: Path, columns: Columns) -> Iterator[Document]:
        with open_bytes(file) as stream:
            yield from _documents(text_blocks(stream, file, columns.text_encoding), file, columns.text)

    def sample(self, file: Path, columns: Columns) -> Iterator[Document]:
        for window in windows(file, columns.text_encoding):
            blocks = text_blocks(window.stream, file, columns.text_encoding, part=window.part)
            first, blocks = _first_of(blocks)
            if _is_array(first):
                yield from _of_array(blocks, file, columns.text, whole=False)
                return  # elsewhere in the file nothing says where a record begins
            yield from _documents(blocks, file, columns.text, window.part)


def _documents(blocks: Iterator[str], file: Path, column: str | None, part: str = "") -> Iterator[Document]:
    first, blocks = _first_of(blocks)
    if _is_array(first):
        yield from _of_array(blocks, file, column)
        return
    # A lone carriage return ends a line too: inside a JSON string it could only stand escaped.
    for number, line in numbered_lines(blocks, MAX_LINE):
        if len(line) >= MAX_LINE:
            why = f"{part}line {number} is longer than {MAX_LINE} characters; is it JSON lines?"
            raise invalid("path", str(file), why)
        if line.strip():
            origin = f"{file} {part}line {number}"
            record = _parsed(line, file, number, part)
            text = "" if column is None else _text_of(record, column, origin)
            yield Document(text, origin=origin, record=record)


def _first_of(blocks: Iterator[str]) -> tuple[str, Iterator[str]]:
    first = ""
    while not first.strip() and (block := next(blocks, "")):
        first += block
    return first, chain([first], blocks)


def _is_array(first: str) -> bool:
    return first.lstrip().startswith("[")


def _of_array(blocks: Iterator[str], file: Path, column: str | None, *, whole: bool = True) -> Iterator[Document]:
    for number, record in enumerate(array_records(blocks, file, MAX_LINE, whole=whole), 1):
        origin = f"{file} record {number}"
        yield Document("" if column is None else _text_of(record, column, origin), origin=origin, record=record)


def _text_of(record: dict[str, Any], column: str, origin: str) -> str:
    if column not in record:
        raise invalid("text_column", column, "is not a field", choices=sorted(map(str, record)), file=origin)
    text = record[column]
    if text is None:
        return ""
    if not isinstance(text, str):
        raise not_text(
            column, type(text).__name__, [key for key, one in record.items() if isinstance(one, str)], origin
        )
    return tidy(text)


def not_text(column: str, kind: str, texts: list[str], origin: object) -> Exception:
    """The error for a column of another type, with those that do hold text."""
    if texts:
        return invalid("text_column", column, f"holds {kind}, not text", choices=texts, file=origin)
    return invalid("text_column", column, f"holds {kind}, not text, and no other column does", file=origin)


def _parsed(line: str, file: Path, number: int, part: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else "too deeply nested"
        hint = _if_indented(line, file) if number == 1 and not part else ""
        raise invalid("path", str(file), f"{part}line {number} is not a JSON record: {why}{hint}") from None
    if not isinstance(record, dict):
        raise invalid("path", str(file), f"{part}line {number} is not a JSON record but {type(record).__name__}")
    return record


def _if_indented(line: str, file: Path) -> str:
    """What to do when the first line opens a record that goes on in the next."""
    if line.strip() != "{":
        return ""
    if file.suffix.lower() in PACKED:
        return "; unpack it and write one record a line (JSON lines)"
    command = f"jq -c . {shlex.quote(file.name)} > {shlex.quote(f'{file.stem}.lines.jsonl')}"
    return f"; write one record a line (JSON lines): {command}"


READER = JsonLinesReader()
