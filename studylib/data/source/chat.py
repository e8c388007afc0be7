"""Conversations in local files: JSON lines or parquet, in any of the shapes that ``studylib.data.chat.shapes`` knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from studylib.data.chat.rows import WITHOUT_ANSWER, conversations
from studylib.data.digest import Allowance
from studylib.data.document import Document
from studylib.data.read import Columns, kind_of, reader_of
from studylib.data.read.look import look
from studylib.data.source.files import FilesSource
from studylib.errors import invalid
from studylib.frozen import Frozen, Positive

__all__ = ["ChatSource"]


class ChatSource(FilesSource):
    """Conversations of local files, in the order of their paths; found and kept from JGLUE as texts are."""

    class Options(Frozen):
        path: str = Field(description="a file, a folder (searched whole) or a pattern such as chats/*.jsonl.gz")
        max_bytes: Positive | None = Field(default=None, description="stop after so many bytes of UTF-8")
        encoding: str | None = Field(default=None, description="of JSON lines when it is not UTF-8, such as cp932")

    _options: Options
    conversations: ClassVar[bool] = True

    def check(self) -> None:
        """Look for the files, and whether the first row of each is a conversation."""
        for file in self._files:
            if kind_of(file) == "plain":
                raise invalid(
                    f"data.sources {self._label}: path", str(file), "holds no conversations: JSON lines and parquet do"
                )
            for _ in conversations(reader_of(file).read(file, self._columns), Counter()):
                break

    @property
    def _columns(self) -> Columns:
        return Columns(None, encoding=self._options.encoding)

    def documents(self) -> Iterator[Document]:
        return self._conversations(one for file in self._files for one in reader_of(file).read(file, self._columns))

    def look(self, allowance: Allowance) -> tuple[Iterator[Document], list[str]]:
        rows, unread = look(self._files, self._columns, allowance)
        return self._conversations(rows), unread

    def _conversations(self, rows: Iterator[Document]) -> Iterator[Document]:
        counts = Counter({WITHOUT_ANSWER: 0})
        self._notes["rows_without_text"] = self._notes["rows_in_iso_2022_jp"] = 0
        yield from self._up_to_size(conversations(rows, counts))
        self._notes |= counts
