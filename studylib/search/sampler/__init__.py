"""How points are proposed.

A choice is a class derived from ``Sampler``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from studylib.search.tried import Point, Tried
from studylib.spec import SearchSpec


class Sampler(ABC):
    """Proposes points (dotted field to value) of the space of ``spec``.

    Proposals are a pure function of the specification (its ``seed`` is the only source of chance) and of what was tried, so the
    same results lead to the same proposals after any interruption.
    """

    def __init__(self, spec: SearchSpec):
        self.spec = spec

    @abstractmethod
    def propose(self, tried: Sequence[Tried], count: int) -> list[Point]:
        """Up to ``count`` points that are to be tried next; fewer: no more are left."""
