"""Every earlier position."""

from __future__ import annotations

from typing import Any, ClassVar

from studylib.choices.pattern import Pattern

__all__ = ["Dense"]


class Dense(Pattern):
    sparse: ClassVar[bool] = False
    block: ClassVar[int] = 128

    def visible(self, query: Any, key: Any) -> Any:
        return key <= query

    def pairs(self, length: int) -> int:
        return length * (length + 1) // 2

    def columns(self, length: int) -> float:
        return (length + min(length, self.block)) / 2
