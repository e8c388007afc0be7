"""Every point drawn by itself, evenly over the space (Bergstra and Bengio 2012): the n-th point is the n-th whatever came before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from studylib.search.sampler import Sampler
from studylib.search.tried import Point, Tried

__all__ = ["Random"]


class Random(Sampler):
    def propose(self, tried: Sequence[Tried], count: int) -> list[Point]:
        shares = np.random.default_rng(self.spec.seed).random((len(tried) + count, len(self.spec.space)))[len(tried) :]
        return [
            {key: axis.at(float(s)) for (key, axis), s in zip(self.spec.space.items(), row, strict=True)}
            for row in shares
        ]
