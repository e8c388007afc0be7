"""Plain text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from studylib.data.document import Document
from studylib.data.read import Columns
from studylib.data.read.decode import numbered_lines, text_blocks
from studylib.data.read.look import windows
from studylib.data.read.packed import open_bytes

# A bound on memory: a longer document is cut, at a line's end where there is one.
MAX_DOCUMENT = 8 << 20  # characters


class PlainReader:
    """Text files; a document is the file, a block between blank lines, or a line."""

    def check(self, file: Path, columns: Columns) -> None:
        with open_bytes(file) as stream:
            stream.read(1)

    def read(self, file: Path, columns: Columns) -> Iterator[Document]:
        with open_bytes(file) as stream:
            yield from _documents(text_blocks(stream, file, columns.text_encoding), file, columns.document)

    def sample(self, file: Path, columns: Columns) -> Iterator[Document]:
        for window in windows(file, columns.text_encoding):
            blocks = text_blocks(window.stream, file, columns.text_encoding, part=window.part)
            yield from _documents(blocks, file, columns.document)


def _documents(blocks: Iterator[str], file: Path, document: str) -> Iterator[Document]:
    if document == "file":
        for start, text in _pieces(blocks):
            yield Document(text, origin=f"{file} line {start}")
        return
    begin, lines, size = 0, [], 0
    for number, line in numbered_lines(blocks, MAX_DOCUMENT):
        blank = not line.strip()
        if document == "line":
            if not blank:
                yield Document(line, origin=f"{file} line {number}", piece_of=str(file))
            continue
        if lines and (blank or size >= MAX_DOCUMENT):
            yield Document("".join(lines), origin=f"{file} line {begin}", piece_of=str(file))
            lines, size = [], 0
        if not blank:
            begin = begin if lines else number
            lines.append(line + "\n")
            size += len(line)
    if lines:
        yield Document("".join(lines), origin=f"{file} line {begin}", piece_of=str(file))


def _pieces(blocks: Iterator[str]) -> Iterator[tuple[int, str]]:
    """(number of the first line, text) of at most about ``MAX_DOCUMENT`` characters each."""
    start, text = 1, ""
    for block in blocks:
        text += block
        if len(text) >= MAX_DOCUMENT:
            cut = text.rfind("\n") + 1 or len(text)
            yield start, text[:cut]
            start += text.count("\n", 0, cut)
            text = text[cut:]
    if text:
        yield start, text


READER = PlainReader()
