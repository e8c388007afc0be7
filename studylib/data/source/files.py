"""Local files: parquet, JSON lines and plain text, each alone, by folder or by pattern."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from glob import has_magic
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from studylib.data.document import Document
from studylib.data.guard.names import check_names, check_path, is_benchmark_path
from studylib.data.read import SUFFIXES, Columns, kind_of, reader_of
from studylib.data.source import Source
from studylib.errors import invalid
from studylib.frozen import Frozen, Positive

__all__ = ["FilesSource"]

_EDGE = 1 << 20


class Options(Frozen):
    path: str = Field(description="a file, a folder (searched whole) or a pattern such as texts/*.jsonl.gz")
    text_column: str = "text"
    max_bytes: Positive | None = Field(default=None, description="stop after so many bytes of UTF-8")
    document: Literal["file", "blank", "line"] = Field(
        default="file", description="what one document is in plain text: the file, a block between blank lines, a line"
    )


class FilesSource(Source):
    """Documents of local files, in the order of their paths.

    Files that belong to JGLUE by their name, or by where a link leads, are left out of a folder or pattern and counted;
    naming one directly is an error.
    """

    Options = Options

    def __init__(self, label: str, options: Mapping[str, Any]):
        super().__init__(label, options)
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
        return Columns(self._options.text_column, self._options.document)

    def _find(self) -> list[Path]:
        given = self._options.path
        path = Path(given).expanduser()
        field = f"data.sources {self._label}: path"
        check_names(field, given)
        if path.is_file():
            check_path(field, path)
            reader_of(path)
            return [path]
        if path.is_dir():
            check_path(field, path)
            root, found = path, [one for one in sorted(path.rglob("*")) if one.is_file()]
        elif has_magic(given):
            first = next(place for place, part in enumerate(path.parts) if has_magic(part))
            root = Path(*path.parts[:first])
            found = [one for one in sorted(root.glob(str(Path(*path.parts[first:])))) if one.is_file()]
        else:
            raise invalid(field, given, "does not exist")
        readable = [one for one in found if kind_of(one) is not None]
        files = [one for one in readable if not is_benchmark_path(one, root)]
        self._notes["files_left_out_as_benchmark"] = len(readable) - len(files)
        if not files:
            why = f"holds no file that may be read ({len(found)} files, {len(readable) - len(files)} of them JGLUE's)"
            raise invalid(field, given, why, choices=SUFFIXES)
        return files

    def documents(self) -> Iterator[Document]:
        left = self._options.max_bytes or float("inf")
        self._notes["rows_without_text"] = 0
        for file in self._files:
            for document in reader_of(file).read(file, self._columns):
                if not document.text:
                    self._notes["rows_without_text"] += 1
                    continue
                yield document
                left -= len(document.text) if document.text.isascii() else len(document.utf8())
                if left <= 0:
                    return

    def inputs(self) -> dict[str, str]:
        """Size and BLAKE2b of the first and last MiB of each file: enough to see a change, quick for any size."""
        digests = {}
        for file in self._files:
            size = file.stat().st_size
            digest = hashlib.blake2b(str(size).encode(), digest_size=16)
            with open(file, "rb") as stream:
                digest.update(stream.read(_EDGE))
                stream.seek(max(0, size - _EDGE))
                digest.update(stream.read(_EDGE))
            digests[str(file)] = digest.hexdigest()
        return digests
