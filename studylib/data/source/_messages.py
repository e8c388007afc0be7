"""What sources of conversations and pairs of answers share, wherever their rows are from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from studylib.data.chat.rows import notes_of, read_messages
from studylib.data.document import Document
from studylib.data.source import Source
from studylib.frozen import Frozen, Positive


class MessageOptions(Frozen):
    """How rows are read as messages."""

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


class MessageSource(Source):
    """Its documents are conversations, or pairs of answers; stands before the class that finds the rows."""

    def __init__(self, label: str, options: Mapping[str, Any]):
        super().__init__(label, options)
        self.preferences = self._options.pairs
        self.conversations = not self.preferences

    def _messages(self, rows: Iterable[Document]) -> Iterator[Document]:
        """Of rows in any known shape; what is left out of them is counted."""
        options = self._options
        self._notes |= notes_of(options.pairs)
        return read_messages(
            rows, self._notes, pairs=options.pairs, all_paths=options.paths == "all", dialogue=options.dialogue,
            turns=options.turns,
        )  # fmt: skip
