"""Local files: parquet, JSON lines and plain text, each alone, by folder or by pattern."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from glob import has_magic
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from studylib.data.digest import Allowance, FileDigests
from studylib.data.document import Document
from studylib.data.guard.names import check_names, check_path, is_benchmark_path
from studylib.data.read import SUFFIXES, Columns, kind_of, reader_of
from studylib.data.read.decode import check_encoding, holds_jis
from studylib.data.read.look import look
from studylib.data.source import Source
from studylib.errors import did_you_mean, invalid
from studylib.frozen import Frozen, Positive

__all__ = ["FilesSource"]


class FilesSource(Source):
    """Documents of local files, in the order of their paths.

    Files that belong to JGLUE by their name, or by where a link leads, are left out of a folder or pattern and counted;
    naming one directly is an error.
    """

    class Options(Frozen):
        path: str = Field(description="a file, a folder (searched whole) or a pattern such as texts/*.jsonl.gz")
        text_column: str = "text"
        max_bytes: Positive | None = Field(default=None, description="stop after so many bytes of UTF-8")
        encoding: str | None = Field(
            default=None,
            description="of text files and JSON lines when it is not UTF-8, such as cp932; columns of bytes in parquet need it",
        )
        document: Literal["file", "blank", "line"] = Field(
            default="file",
            description="what one document is in plain text: the file, a block between blank lines, a line",
        )

    _options: Options
    given: ClassVar[bool] = True

    def __init__(self, label: str, options: Mapping[str, Any]):
        super().__init__(label, options)
        if self._options.encoding is not None:
            check_encoding(f"data.sources {label}: encoding", self._options.encoding)
        self._found: list[Path] | None = None

    @property
    def _files(self) -> list[Path]:
        if self._found is None:
            self._found = self._find()
        return self._found

    def check(self) -> None:
        """Look for the files, their columns, and whether they are readable at all."""
        for file in self._files:
            reader_of(file).check(file, self._columns)

    @property
    def _columns(self) -> Columns:
        return Columns(self._options.text_column, self._options.document, self._options.encoding)

    def _find(self) -> list[Path]:
        given = self._options.path
        field = f"data.sources {self._label}: path"
        check_names(field, given)
        root, rest = _split(Path(given).expanduser())
        if not rest and root.is_file():
            check_path(field, root)
            reader_of(root)
            return [root]
        if not rest:
            check_path(field, root)
            found = root.rglob("*")
        elif any(map(has_magic, rest)):
            # Names may be spelt either way, and so may the pattern.
            spelt = {unicodedata.normalize(form, str(Path(*rest))) for form in ("NFC", "NFD")} | {str(Path(*rest))}
            found = {one for pattern in spelt for one in root.glob(pattern)}
        else:
            names = sorted(unicodedata.normalize("NFC", one.name) for one in root.iterdir()) if root.is_dir() else []
            near = did_you_mean(unicodedata.normalize("NFC", rest[0]), names)
            raise invalid(field, given, f"does not exist: there is no {rest[0]!r} in {str(root)!r}{near}")
        found = sorted(one for one in found if one.is_file())
        readable = [one for one in found if kind_of(one) is not None]
        files = [one for one in readable if not is_benchmark_path(one, root)]
        self._notes["files_left_out_as_benchmark"] = len(readable) - len(files)
        if not files:
            why = f"holds no file that may be read ({len(found)} files, {len(readable) - len(files)} of them JGLUE's)"
            raise invalid(field, given, why, choices=SUFFIXES)
        return files

    def parts(self) -> list[Source]:
        """A source a file, unless only some of the text is asked for."""
        if self._options.max_bytes is not None:
            return [self]
        parts = [FilesSource(self._label, self._options.model_dump()) for _ in self._files]
        for part, file in zip(parts, self._files, strict=True):
            part._found = [file]
        return parts

    def documents(self) -> Iterator[Document]:
        self._notes["rows_without_text"] = self._notes["rows_in_iso_2022_jp"] = 0
        return self._up_to_size(one for file in self._files for one in reader_of(file).read(file, self._columns))

    def look(self, allowance: Allowance) -> tuple[Iterator[Document], list[str]]:
        """What `documents` gives, so far as it may be read, and lines that say what else there is."""
        self._notes["rows_without_text"] = self._notes["rows_in_iso_2022_jp"] = 0
        documents, unread = look(self._files, self._columns, allowance)
        return self._up_to_size(documents), unread

    def _up_to_size(self, documents: Iterable[Document]) -> Iterator[Document]:
        left = self._options.max_bytes or float("inf")
        for document in documents:
            if not document.text:
                self._notes["rows_without_text"] += 1
                continue
            if holds_jis(document.text):  # a stray one: a whole file is refused where it is decoded
                self._notes["rows_in_iso_2022_jp"] += 1
                continue
            yield document
            left -= len(document.text) if document.text.isascii() else len(document.utf8())
            if left <= 0:
                return

    def inputs(self, digests: FileDigests) -> dict[str, str]:
        return digests.of(self._files)


def _split(path: Path) -> tuple[Path, tuple[str, ...]]:
    """The part of ``path`` that exists, and the rest: what is there is a name, even one like ``[v1]``, and no pattern.

    A name that differs only in how its characters are composed (NFC, NFD) is the same name; one spelt exactly comes first.
    """
    root, rest = Path(path.anchor), path.parts[1:] if path.anchor else path.parts
    while rest:
        name = rest[0]
        if not (root / name).exists():
            plain = unicodedata.normalize("NFC", name)
            if plain.isascii() or not root.is_dir():
                break
            same = sorted(one.name for one in root.iterdir() if unicodedata.normalize("NFC", one.name) == plain)
            if not same:
                break
            name = same[0]
        root, rest = root / name, rest[1:]
    return root, rest
