"""Conversations or pairs of answers of the Hugging Face hub, by name and pinned revision, in any known shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from studylib.data.chat.rows import notes_of, read_messages
from studylib.data.document import Document
from studylib.data.source.hub import HubSource
from studylib.frozen import Frozen, Positive

__all__ = ["ChatHubSource"]


class ChatHubSource(HubSource):
    """Rows of a hub data set as conversations: dolly-15k-ja, or the trees of oasst1-ja."""

    class Options(Frozen):
        dataset: str = Field(description='such as "kunishou/databricks-dolly-15k-ja"; a local folder works too')
        revision: str = Field(description="the commit of the data set, 40 hexadecimal digits: a branch would move")
        config: str | None = None
        split: str = "train"
        max_bytes: Positive = Field(default=100_000_000, description="stop after so many bytes of UTF-8")
        streaming: bool = Field(
            default=True, description="read only what is used; False downloads the whole split first"
        )

        pairs: bool = Field(default=False, description="rows are pairs of answers of which one is preferred")
        paths: Literal["best", "all"] = Field(
            default="best", description="of trees of messages: the best-ranked replies, or all, each answer learnt once"
        )
        dialogue: str = Field(
            default="", description="a field of which successive rows have a value in common: turns of one conversation"
        )
        turns: Positive | None = Field(
            default=None, description="rows of a dialogue that are one conversation at most; default: all of them"
        )

    _options: Options

    def __init__(self, label: str, options: Mapping[str, Any]):
        super().__init__(label, options)
        self.preferences = self._options.pairs
        self.conversations = not self.preferences

    def _check_columns(self, columns: Sequence[str]) -> None:
        """Rows say themselves what they are."""

    def documents(self) -> Iterator[Document]:
        rows = (
            Document("", origin=f"{self._options.dataset} row {number}", record=row)
            for number, row in enumerate(self._rows())
        )
        self._notes |= notes_of(self.preferences)
        left = self._options.max_bytes
        for document in read_messages(
            rows, self._notes, pairs=self.preferences, all_paths=self._options.paths == "all",
            dialogue=self._options.dialogue, turns=self._options.turns,
        ):  # fmt: skip
            yield document
            left -= len(document.utf8())
            if left <= 0:
                break
