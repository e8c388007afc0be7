"""All combinations of the axes' grid values, the last axis fastest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, product

from studylib.search.sampler import Sampler
from studylib.search.tried import Point, Tried

__all__ = ["Grid"]


class Grid(Sampler):
    def propose(self, tried: Sequence[Tried], count: int) -> list[Point]:
        combinations = product(*(axis.grid for axis in self.spec.space.values()))
        return [
            dict(zip(self.spec.space, values, strict=True))
            for values in islice(combinations, len(tried), len(tried) + count)
        ]
