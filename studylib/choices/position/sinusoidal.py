"""Sinusoidal absolute positions (Vaswani et al. 2017, arXiv 1706.03762, section 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studylib.choices.position import Position
from studylib.errors import invalid

if TYPE_CHECKING:
    from torch import nn

__all__ = ["SinusoidalPosition"]


class SinusoidalPosition(Position):
    """Sines and cosines of falling frequency added to the token embeddings, at a quarter of their scale; no parameters."""

    def check(self) -> None:
        if self.model.hidden_size % 2:
            raise invalid(
                "model.hidden_size", self.model.hidden_size, "is odd; sinusoidal positions need sine and cosine pairs"
            )

    def build_embedding(self) -> nn.Module:
        from studylib.choices.position import _absolute

        return _absolute.Sinusoids(self.model)
