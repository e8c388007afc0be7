"""Rotary position embedding (Su et al. 2021, arXiv 2104.09864)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from studylib.choices.position import Position
from studylib.errors import invalid
from studylib.frozen import Fraction, Frozen

if TYPE_CHECKING:
    from studylib.choices.position._position import LayerPosition
    from studylib.parallel import dist

__all__ = ["RotaryPosition"]


class RotaryPosition(Position):
    """Query and key rotated by their position, so that scores depend on distance; no parameters."""

    class Options(Frozen):
        rotary_fraction: Annotated[Fraction, Field(gt=0)] = Field(
            default=1.0, description="of each head, how much is rotated: its first part (GPT-J, GPT-NeoX: a quarter)"
        )

    options: Options

    @property
    def rotated(self) -> int:
        """Entries of each head that are rotated."""
        return round(self.model.head_dim * self.options.rotary_fraction)

    def check(self) -> None:
        if self.model.head_dim % 2:
            why = f"gives an odd head size {self.model.head_dim}; rope needs an even one"
            raise invalid("model.num_heads", self.model.num_heads, why)
        if self.rotated < 2 or self.rotated % 2:
            why = f"rotates {self.rotated} of a head's {self.model.head_dim} entries; it must be an even number"
            raise invalid("model.rotary_fraction", self.options.rotary_fraction, why)

    def build(self, tp_pg: dist.ProcessGroup) -> LayerPosition:
        from studylib.choices.position import _rope

        return _rope.RotaryEmbedding(self.model.seq_len, self.rotated)
