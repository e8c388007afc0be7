"""Conversations or pairs of answers in local files: JSON lines or parquet, in the shapes that ``studylib.data.chat.shapes`` knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from studylib.data.digest import Allowance
from studylib.data.document import Document
from studylib.data.read import Columns, kind_of, reader_of
from studylib.data.read.look import look
from studylib.data.source._messages import MessageOptions, MessageSource
from studylib.data.source.files import FilesSource
from studylib.errors import invalid
from studylib.frozen import Positive

__all__ = ["ChatSource"]


class ChatSource(MessageSource, FilesSource):
    """Conversations, or pairs of answers, of local files in the order of their paths; found and kept from JGLUE as texts are."""

    class Options(MessageOptions):
        path: str = Field(description="a file, a folder (searched whole) or a pattern such as chats/*.jsonl.gz")
        max_bytes: Positive | None = Field(default=None, description="stop after so many bytes of UTF-8")
        encoding: str | None = Field(default=None, description="of JSON lines when it is not UTF-8, such as cp932")

    _options: Options

    def check(self) -> None:
        """Look for the files, and whether the first row of each is a conversation, or a pair."""
        for file in self._files:
            if kind_of(file) == "plain":
                raise invalid(
                    f"data.sources {self._label}: path", str(file), "holds no conversations: JSON lines and parquet do"
                )
            next(self._read(reader_of(file).read(file, self._columns)), None)

    def _find(self) -> list[Path]:
        """Of a folder or pattern, the files that hold rows: read-me files and scripts beside them are left out."""
        found = super()._find()
        return [file for file in found if kind_of(file) != "plain"] or found

    @property
    def _columns(self) -> Columns:
        return Columns(None, encoding=self._options.encoding)

    def documents(self) -> Iterator[Document]:
        return self._up_to_size(
            self._read(one for file in self._files for one in reader_of(file).read(file, self._columns))
        )

    def look(self, allowance: Allowance) -> tuple[Iterator[Document], list[str]]:
        rows, unread = look(self._files, self._columns, allowance)
        return self._up_to_size(self._read(rows)), unread

    def _read(self, rows: Iterator[Document]) -> Iterator[Document]:
        self._notes |= {"rows_without_text": 0, "rows_in_iso_2022_jp": 0}
        return self._messages(rows)
