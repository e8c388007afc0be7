"""Chance, the same on every machine: only ``random.Random.random`` is used, whose sequence Python guarantees."""

from __future__ import annotations

import hashlib
from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import TypeVar

T = TypeVar("T")


def chosen(share: float, *key: object) -> bool:
    """Whether ``key`` is one of a ``share`` of all keys; the same everywhere."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


class Draw:
    """A stream of chance keyed by any values; equal keys give equal streams.

    Attributes
    ----------
    unit
        The bare function that returns a float in [0, 1), for inner loops.
    """

    __slots__ = ("unit",)

    def __init__(self, *key: object):
        digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
        self.unit = Random(int.from_bytes(digest, "big")).random

    def below(self, bound: int) -> int:
        """A whole number from 0 to ``bound - 1``."""
        return int(self.unit() * bound)

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + int(self.unit() * (high - low + 1))

    def pick(self, values: Sequence[T]) -> T:
        return values[int(self.unit() * len(values))]

    def chance(self, probability: float) -> bool:
        return self.unit() < probability


class Zipf:
    """Ranks from 0 to ``size - 1``, rank ``r`` with a probability proportional to ``(r + 1) ** -exponent``."""

    __slots__ = ("_sums",)

    def __init__(self, size: int, exponent: float = 1.0):
        self._sums = list(accumulate((rank + 1) ** -exponent for rank in range(size)))

    def rank(self, unit: float) -> int:
        """The rank at ``unit`` in [0, 1) of the cumulative distribution."""
        return min(bisect(self._sums, unit * self._sums[-1]), len(self._sums) - 1)
