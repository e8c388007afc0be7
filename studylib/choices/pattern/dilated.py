"""Every ``dilation``-th of the last ``window * dilation`` positions (Longformer, Beltagy et al. 2020, arXiv 2004.05150, section 3.1).

``window`` counts the positions that are read. All layers and heads dilate alike, so two positions whose distance is no
multiple of ``dilation`` never exchange anything; Longformer mixes dilated with plain heads.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from studylib.choices.pattern import Pattern, WindowOptions
from studylib.frozen import Positive

__all__ = ["Dilated"]


class Dilated(Pattern):
    class Options(WindowOptions):
        dilation: Positive = Field(description="distance between those positions")

    dilation: int

    @property
    def fold(self) -> int:
        return self.dilation

    def visible(self, query: Any, key: Any) -> Any:
        return (key <= query) & (query - key < self.window)

    def stretches(self, query: int) -> list[tuple[int, int]]:
        return [(max(0, query - self.window + 1), query + 1)]
