"""Every earlier position."""

from __future__ import annotations

from typing import Any, ClassVar

from studylib.model.pattern._pattern import Pattern

__all__ = ["Dense"]


class Dense(Pattern):
    sparse: ClassVar[bool] = False

    def visible(self, query: Any, key: Any) -> Any:
        return key <= query

    def pairs(self, length: int) -> int:
        return length * (length + 1) // 2
