"""Text that the study makes itself, such as a trained model's samples: a JSON-lines file that comes later than the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from studylib.data.digest import FileDigests
from studylib.data.document import Document
from studylib.data.source import Source
from studylib.data.source.files import FilesSource
from studylib.errors import invalid
from studylib.frozen import Frozen

__all__ = ["GeneratedSource"]


class GeneratedSource(Source):
    """As a local file, but it need not be there before it is read: a study is planned before its text is made,
    when nothing can be said of it."""

    class Options(Frozen):
        path: str = Field(description="the JSON-lines file that will be made; its rows have a column text")

    def __init__(self, label: str, options: Mapping[str, Any]):
        super().__init__(label, options)
        self._path = self._options.path
        self._files = FilesSource(label, {"path": self._path})

    def _made(self) -> FilesSource:
        if not Path(self._path).is_file():
            raise invalid(f"data.sources {self._label}: path", self._path, "has not been generated yet")
        return self._files

    def documents(self) -> Iterator[Document]:
        yield from self._made().documents()

    def inputs(self, digests: FileDigests) -> dict[str, str]:
        return self._made().inputs(digests)

    def notes(self) -> dict[str, int]:
        return self._files.notes()
