"""Attention with linear biases (Press et al. 2021, arXiv 2108.12409)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from studylib.choices.position import Position

if TYPE_CHECKING:
    from studylib.choices.position._position import LayerPosition
    from studylib.parallel import dist

__all__ = ["LinearBias"]


class LinearBias(Position):
    """Scores fall linearly with distance, at a slope of its own for each head; no parameters, any length."""

    biases_scores: ClassVar[bool] = True

    def build(self, tp_pg: dist.ProcessGroup) -> LayerPosition:
        from studylib.choices.position import _bias

        return _bias.LinearBias(self.model, tp_pg)
