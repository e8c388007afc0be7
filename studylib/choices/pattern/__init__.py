"""Which earlier positions attention reads: dense, or one of the sparse patterns. No torch.

A choice is a class derived from ``Pattern``. The same methods serve Python's integers, numpy, torch and FlexAttention's index
tensors, since they use arithmetic alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

from pydantic import Field

from studylib.frozen import Frozen, Positive
from studylib.registry import Choice, Names


class WindowOptions(Frozen):
    """What all sparse patterns need."""

    window: Positive = Field(description="positions that are read nearby")


class Pattern(Choice):
    """Causal attention that leaves out keys. Its options are attributes, too.

    Beyond what its methods say in blocks, keys at a distance of a multiple of ``stride`` are read, if that is not 0.

    Positions fall into ``fold`` classes (position modulo ``fold``) that do not see each other; all other methods speak of
    positions inside a class. For most patterns there is one class, and they are the positions themselves.
    """

    sparse: ClassVar[bool] = True
    block: ClassVar[int] = 64  # positions in a block, for computing in blocks

    window: int = 0
    stride: int = 0
    global_tokens: int = 0

    def __init__(self, model: Names):
        super().__init__(model)
        vars(self).update(self.options)  # plain attributes: a compiled layer reads them

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.options == other.options

    def __hash__(self) -> int:
        return hash((type(self), self.options))

    @property
    def fold(self) -> int:
        """Number of classes."""
        return 1

    def visible(self, query: Any, key: Any) -> Any:
        """Whether position ``query`` reads position ``key``; both are of one class."""
        raise NotImplementedError

    def stretches(self, query: int) -> list[tuple[int, int]]:
        """The same as half-open ranges of keys, which may overlap; for patterns that do not count their `pairs` themselves."""
        raise NotImplementedError

    @property
    def is_window(self) -> bool:
        """Whether it reads the last ``window`` positions and nothing else."""
        return False

    def near_blocks(self) -> int:
        """Blocks before a query's own, and this one, that hold what is near enough to be read."""
        return -(-(self.window - 1) // self.block) + 1

    def first_blocks(self) -> int:
        """Blocks at the beginning that all positions read."""
        return -(-self.global_tokens // self.block)

    def drawn_blocks(self, query_block: Any) -> list[Any]:
        """Further blocks that ``query_block`` reads, each like it an integer or an array of them; -1 is none."""
        return []

    def columns(self, length: int) -> float:
        """Keys that each query is computed with in blocks, on average, whether it reads them or not."""
        blocks = self.near_blocks() + self.first_blocks() + len(self.drawn_blocks(1))
        return blocks * self.block + (length / self.stride if self.stride else 0)

    def mask(self, query: Any, key: Any) -> Any:
        """As ``visible``, for positions of any class."""
        if self.fold == 1:
            return self.visible(query, key)
        same = (query - key) % self.fold == 0
        return same & self.visible(query // self.fold, key // self.fold)

    def pairs(self, length: int) -> int:
        """Pairs of query and key that are read in a sequence of ``length``."""
        return sum(_pairs(self, -(-(length - offset) // self.fold)) for offset in range(self.fold))


@lru_cache(maxsize=256)
def _pairs(pattern: Pattern, length: int) -> int:
    total = 0
    for query in range(length):
        reached = 0
        for start, stop in sorted(pattern.stretches(query)):
            total += max(0, stop - max(start, reached))
            reached = max(reached, stop)
    return total
