"""Readers of file formats, by suffix: each checks a file quickly and yields its documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, Protocol

from studylib.data.document import Document
from studylib.errors import invalid


@dataclass(frozen=True)
class Columns:
    """Which part of a record is text (none: only the record is wanted, all of it), what one document is in plain text, and its
    encoding (None: UTF-8, and binary columns are no text)."""

    text: str | None = "text"
    document: str = "file"
    encoding: str | None = None

    @property
    def text_encoding(self) -> str:
        return self.encoding or "utf-8"


@dataclass(frozen=True)
class Window:
    """Some whole lines out of a file: ``part`` says where, for messages."""

    stream: BinaryIO
    part: str


class Reader(Protocol):
    def check(self, file: Path, columns: Columns) -> None:
        """Raise StudyError if the file cannot be read or has no such column."""

    def read(self, file: Path, columns: Columns) -> Iterator[Document]:
        """The file's documents in order."""

    def sample(self, file: Path, columns: Columns) -> Iterator[Document]:
        """Some documents from several places of a large file, quickly."""


_KINDS = {
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".txt": "plain",
    ".text": "plain",
    ".md": "plain",
    ".py": "plain",
}
_PACKED = (".gz", ".zst", ".bz2")
SUFFIXES = [*_KINDS, *(f"{name}{packed}" for name in (".jsonl", ".txt") for packed in _PACKED)]


def kind_of(file: Path) -> str | None:
    """The kind of reader a file's suffix asks for, or None."""
    suffixes = [one.lower() for one in file.suffixes]
    packed = bool(suffixes) and suffixes[-1] in _PACKED
    if packed:
        suffixes.pop()
    kind = _KINDS.get(suffixes[-1]) if suffixes else None
    return None if packed and kind == "parquet" else kind


def reader_of(file: Path) -> Reader:
    """The reader for a file's suffix.

    Raises
    ------
    StudyError
        No reader knows the suffix; the error lists the known ones.
    """
    kind = kind_of(file)
    if kind is None:
        raise invalid("path", str(file), "has no format that can be read", choices=SUFFIXES)
    # Loaded on first use: pyarrow takes a quarter of a second.
    return import_module(f"studylib.data.read.{kind}").READER
