"""JSON lines: one record a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studylib.data.document import Document
from studylib.data.read import Columns
from studylib.data.read.packed import open_bytes
from studylib.errors import invalid

MAX_LINE_BYTES = 64 << 20


class JsonLinesReader:
    """Records with a text field; a line that is not a record, or has no such field, is an error with its number."""

    def check(self, file: Path, columns: Columns) -> None:
        for _, record in _records(file):
            _text_of(record, columns.text, f"{file} line 1")
            return

    def read(self, file: Path, columns: Columns) -> Iterator[Document]:
        for number, record in _records(file):
            origin = f"{file} line {number}"
            yield Document(_text_of(record, columns.text, origin), origin=origin, record=record)


def _text_of(record: dict[str, Any], column: str, origin: str) -> str:
    if column not in record:
        raise invalid("text_column", column, "is not a field", choices=sorted(map(str, record)), file=origin)
    text = record[column]
    if text is None:
        return ""
    if not isinstance(text, str):
        raise invalid("text_column", column, f"holds {type(text).__name__}, not text", file=origin)
    return text


def _records(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    number, offset = 0, 0
    with open_bytes(file) as stream:
        while line := stream.readline(MAX_LINE_BYTES):
            number += 1
            if len(line) >= MAX_LINE_BYTES and not line.endswith(b"\n"):
                raise invalid(
                    "path", str(file), f"line {number} is longer than {MAX_LINE_BYTES} bytes; is it JSON lines?"
                )
            if line.strip():
                yield number, _parsed(line, file, number, offset)
            offset += len(line)


def _parsed(line: bytes, file: Path, number: int, offset: int) -> dict[str, Any]:
    try:
        record = json.loads(line.decode("utf-8-sig" if offset == 0 else "utf-8"))
    except UnicodeDecodeError as error:
        place = f"line {number}, byte {offset + error.start}"
        raise invalid("path", str(file), f"is not UTF-8 at {place} ({error.reason})") from None
    except (json.JSONDecodeError, RecursionError) as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else "too deeply nested"
        raise invalid("path", str(file), f"line {number} is not a JSON record: {why}") from None
    if not isinstance(record, dict):
        kind = "array; write one record a line (JSON lines)" if isinstance(record, list) else type(record).__name__
        raise invalid("path", str(file), f"line {number} is not a JSON record but {kind}")
    return record


READER = JsonLinesReader()
