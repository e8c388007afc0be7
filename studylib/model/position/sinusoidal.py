"""Sinusoidal absolute positions (Vaswani et al. 2017, arXiv 1706.03762, section 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from studylib.errors import invalid
from studylib.model.position import Position

if TYPE_CHECKING:
    from torch import nn

__all__ = ["SinusoidalPosition"]


class SinusoidalPosition(Position):
    """Sines and cosines of falling frequency added to the token embeddings, at a quarter of their scale; no parameters."""

    revision: ClassVar[int] = 2  # the first had the tokens' scale

    def check(self) -> None:
        if self.model.hidden_size % 2:
            raise invalid(
                "model.hidden_size", self.model.hidden_size, "is odd; sinusoidal positions need sine and cosine pairs"
            )

    def build_embedding(self) -> nn.Module:
        from studylib.model.position import _absolute

        return _absolute.Sinusoids(self.model)
