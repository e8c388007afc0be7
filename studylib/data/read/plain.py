"""Plain text in UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from studylib.data.document import Document
from studylib.data.read import Columns
from studylib.data.read.packed import open_bytes
from studylib.errors import invalid

# A bound on memory: a longer file is cut, at a line's end where there is one.
MAX_DOCUMENT_BYTES = 16 << 20
_BLOCK = 1 << 20


class PlainReader:
    """Text files; a document is the file, a block between blank lines, or a line."""

    def check(self, file: Path, columns: Columns) -> None:
        with open_bytes(file) as stream:
            if not stream.read(1) and file.stat().st_size == 0:
                return  # an empty file among others is harmless; an empty corpus is found when there is no text at all

    def read(self, file: Path, columns: Columns) -> Iterator[Document]:
        for start, text in _pieces(file):
            if columns.document == "file":
                yield Document(text, origin=f"{file} byte {start}")
                continue
            parts = text.split("\n") if columns.document == "line" else _blocks(text)
            for part in parts:
                if part.strip():
                    yield Document(part, origin=f"{file} byte {start} and on", piece_of=str(file))


def _blocks(text: str) -> Iterator[str]:
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.strip():
            lines.append(line)
        elif lines:
            yield "".join(lines)
            lines = []
    if lines:
        yield "".join(lines)


def _pieces(file: Path) -> Iterator[tuple[int, str]]:
    """(byte offset, text) of at most 16 MiB each."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    start, text, size, read = 0, "", 0, 0
    with open_bytes(file) as stream:
        while True:
            block = stream.read(_BLOCK)
            try:
                text += decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                # The decoder may have held back up to three bytes of the block before.
                place = read - (len(error.object) - len(block)) + error.start
                raise invalid("path", str(file), f"is not UTF-8 at byte {place} ({error.reason})") from None
            read += len(block)
            size += len(block)
            if not block:
                break
            if size >= MAX_DOCUMENT_BYTES:
                cut = text.rfind("\n") + 1 or len(text)
                yield start, text[:cut]
                start += len(text[:cut].encode())
                text = text[cut:]
                size = len(text.encode())
    if text:
        yield start, text


READER = PlainReader()
