"""The last ``window`` positions, and of those before every ``stride``-th (Sparse Transformers, Child et al. 2019, arXiv
1904.10509, section 4.2: strided attention).

The paper has one number for both, near the root of the context length, so that two layers join any two positions. It cuts
the two parts apart, one for each head or layer, or reads both in one head ("merged"), as it is here.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from studylib.choices.pattern import Pattern, WindowOptions
from studylib.frozen import Positive

__all__ = ["Strided"]


class Strided(Pattern):
    class Options(WindowOptions):
        stride: Positive = Field(description="distance between those read beyond the window")

    def visible(self, query: Any, key: Any) -> Any:
        distance = query - key
        return (key <= query) & ((distance < self.window) | (distance % self.stride == 0))

    def pairs(self, length: int) -> int:
        window = min(self.window, length)
        near = length * window - window * (window - 1) // 2
        far = range(-(-self.window // self.stride) * self.stride, length, self.stride)
        return near + sum(length - distance for distance in far)
