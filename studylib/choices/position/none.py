"""No positional encoding: the causal mask alone tells order (Kazemnejad et al. 2023, arXiv 2305.19466)."""

from __future__ import annotations

from studylib.choices.position import Position

__all__ = ["NoPosition"]


class NoPosition(Position):
    """Nothing at the embedding, nothing in attention."""
