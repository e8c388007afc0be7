"""Text that the study makes itself, such as a trained model's samples: it comes later than the plan."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pydantic import Field

from studylib.data.digest import FileDigests
from studylib.data.document import Document
from studylib.data.source import Source
from studylib.data.source.files import FilesSource
from studylib.errors import invalid
from studylib.frozen import Frozen

__all__ = ["GeneratedSource"]


class GeneratedSource(Source):
    """The outcome of a step `MadeText` of the same study: nothing can be said of it when a study is planned."""

    class Options(Frozen):
        made: str = Field(description="hash of the step that makes the text")

    _study: Path | None = None

    def in_study(self, study: Path) -> Self:
        self._study = study
        return self

    def _text(self) -> FilesSource:
        file = (self._study or Path()) / "made" / self._options.made / "text.jsonl"
        if self._study is None or not file.is_file():
            raise invalid(
                f"data.sources {self._label}: made", self._options.made, "has not been made yet in this study"
            )
        return FilesSource(self._label, {"path": str(file)})

    def documents(self) -> Iterator[Document]:
        yield from self._text().documents()

    def inputs(self, digests: FileDigests) -> dict[str, str]:
        # By the step's name: a study folder may be moved.
        return {f"made/{self._options.made}": digest for digest in self._text().inputs(digests).values()}
