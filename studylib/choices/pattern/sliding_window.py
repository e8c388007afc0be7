"""The last ``window`` positions, and the first ``global_tokens`` (Longformer, Beltagy et al. 2020, arXiv 2004.05150).

In a causal model the global tokens, read by all, are what StreamingLLM calls attention sinks (Xiao et al. 2023, arXiv
2309.17453).
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from studylib.choices.pattern import Pattern, WindowOptions
from studylib.frozen import Count

__all__ = ["SlidingWindow"]


class SlidingWindow(Pattern):
    class Options(WindowOptions):
        global_tokens: Count = Field(default=0, description="first positions, which are always read")

    @property
    def is_window(self) -> bool:
        return not self.global_tokens

    def visible(self, query: Any, key: Any) -> Any:
        near = query - key < self.window
        return (key <= query) & ((near | (key < self.global_tokens)) if self.global_tokens else near)

    def stretches(self, query: int) -> list[tuple[int, int]]:
        return [(0, min(self.global_tokens, query + 1)), (max(0, query - self.window + 1), query + 1)]
