"""The invented world that the study brings along: no network, no licence, labels on every document."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from studylib.data.document import Document
from studylib.data.source import Source
from studylib.frozen import Count, Fraction, Frozen, Positive
from studylib.registry import REGISTERS, choice_of

__all__ = ["MiniworldSource"]


class MiniworldSource(Source):
    """Documents ``start``, ``start + 1``, ... of a register until there are ``bytes`` of text."""

    class Options(Frozen):
        register_: choice_of(REGISTERS) = Field(default="ja", alias="register", description="the kind of text")
        seed: Count = Field(default=0, description="another seed, another world")
        bytes: Positive = Field(default=8_000_000, description="how much text, in bytes of UTF-8")
        start: Count = Field(default=0, description="the first document's number")
        english_only: Fraction = Field(default=0.2, description="share of the askable facts that only English tells")

    _options: Options

    def documents(self) -> Iterator[Document]:
        from studylib.data.miniworld import documents

        options = self._options
        left = options.bytes
        for document in documents(
            options.register_, options.seed, start=options.start, english_only_share=options.english_only
        ):
            yield document
            left -= len(document.utf8())
            if left <= 0:
                return
