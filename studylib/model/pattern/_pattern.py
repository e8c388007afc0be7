"""What a pattern of attention says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Self

from studylib.errors import invalid
from studylib.spec import ModelSpec

# Fields of ModelSpec that shape a pattern; 0 means not given.
OPTIONS = ("window", "dilation", "stride", "global_tokens", "random_blocks")


@dataclass(frozen=True)
class Pattern:
    """Causal attention that leaves out keys.

    Beyond what its methods say in blocks, keys at a distance of a multiple of ``stride`` are read, if that is given.

    Positions fall into ``fold`` classes (position modulo ``fold``) that do not see each other; all other methods speak of
    positions inside a class. For most patterns there is one class, and they are the positions themselves.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    takes: ClassVar[tuple[str, ...]] = ()
    sparse: ClassVar[bool] = True
    block: ClassVar[int] = 64  # positions in a block, for computing in blocks

    window: int = 0
    dilation: int = 0
    stride: int = 0
    global_tokens: int = 0
    random_blocks: int = 0

    @classmethod
    def of(cls, model: ModelSpec) -> Self:
        """The pattern of ``model``.

        Raises
        ------
        StudyError
            An option that the pattern needs is missing, or one is given that it does not have.
        """
        given = {name: getattr(model, name) for name in OPTIONS}
        for name, value in given.items():
            if name in cls.needs and not value:
                raise invalid(f"model.{name}", value, f"must be given for attention_pattern {model.attention_pattern}")
            if value and name not in cls.needs + cls.takes:
                raise invalid(f"model.{name}", value, f"means nothing to attention_pattern {model.attention_pattern}")
        return cls(**given)

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
        blocks = self.near_blocks() + self.first_blocks() + self.random_blocks
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
