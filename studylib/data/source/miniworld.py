"""The invented world that the study brings along: no network, no licence, labels on every document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from studylib.data.digest import Allowance, FileDigests
from studylib.data.document import Document
from studylib.data.miniworld.register import REGISTERS
from studylib.spec import Count, Fraction, Frozen, Positive, choice_of, validated

__all__ = ["MiniworldSource"]


class Options(Frozen):
    register_: choice_of(REGISTERS) = Field(default="ja", alias="register", description="the kind of text")
    seed: Count = Field(default=0, description="another seed, another world")
    bytes: Positive = Field(default=8_000_000, description="how much text, in bytes of UTF-8")
    start: Count = Field(default=0, description="the first document's number")
    english_only: Fraction = Field(default=0.2, description="share of the askable facts that only English tells")


class MiniworldSource:
    """Documents ``start``, ``start + 1``, ... of a register until there are ``bytes`` of text."""

    remote = False
    given = False

    def __init__(self, label: str, options: Mapping[str, Any]):
        self._options = validated(Options, dict(options), file=f"data.sources {label}")

    def check(self) -> None:
        """Nothing can be missing: the options say it all."""

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

    def look(self, allowance: Allowance) -> tuple[Iterator[Document], list[str]]:
        return iter(()), []

    def inputs(self, digests: FileDigests) -> dict[str, str]:
        return {}

    def notes(self) -> dict[str, int]:
        return {}
