"""A window, the first ``global_tokens``, and ``random_blocks`` earlier blocks drawn for each block (BigBird, Zaheer et al. 2020,
arXiv 2007.14062, section 2).

Blocks have 64 positions, as in the paper. What is causal is kept: a block draws among the blocks before it. The draw is a
fixed function of the block's number, the same in every layer and head, so that it costs nothing to know.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from studylib.choices.pattern import Pattern, WindowOptions
from studylib.frozen import Count, Positive

__all__ = ["BigBird"]


class BigBird(Pattern):
    class Options(WindowOptions):
        global_tokens: Count = Field(default=0, description="first positions, which are always read")
        random_blocks: Positive = Field(description="blocks of 64 drawn for each block")

    random_blocks: int

    def visible(self, query: Any, key: Any) -> Any:
        seen = (query - key < self.window) | (key < self.global_tokens)
        for drawn in self.drawn_blocks(query // self.block):
            seen = seen | (key // self.block == drawn)
        return (key <= query) & seen

    def stretches(self, query: int) -> list[tuple[int, int]]:
        drawn = [block * self.block for block in self.drawn_blocks(query // self.block) if block >= 0]
        return [
            (0, min(self.global_tokens, query + 1)),
            (max(0, query - self.window + 1), query + 1),
            *((start, start + self.block) for start in drawn),
        ]

    def drawn_blocks(self, query_block: Any) -> list[Any]:
        return [_drawn(query_block, number) for number in range(self.random_blocks)]


def _drawn(query_block: Any, number: int) -> Any:
    """A block before ``query_block``, -1 for the first one, which has none.

    All steps stay below 2**31: FlexAttention's kernels compute indices in 32 bits.
    """
    mixed = (query_block * 7919 + (number + 1) * 10_473) % 65_521
    mixed = (mixed * (mixed % 181 + 97)) % 65_521
    mixed = (mixed * (mixed % 127 + 89)) % 65_521
    none = query_block == 0
    return mixed % (query_block + none) - none * 1
