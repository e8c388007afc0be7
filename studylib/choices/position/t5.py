"""Relative positions in buckets, a learned bias for each bucket and head (Raffel et al. 2020, T5, arXiv 1910.10683)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from studylib.choices.position import Position

if TYPE_CHECKING:
    from studylib.choices.position._position import LayerPosition
    from studylib.parallel import dist

__all__ = ["BucketBias"]

BUCKETS, FARTHEST = 32, 128


class BucketBias(Position):
    """Half of the 32 buckets hold one distance each, the others widen with its logarithm up to 128; beyond is one bucket.

    T5 shares one table among its layers; here each layer learns its own, so that a layer needs nothing of another
    pipeline stage.
    """

    biases_scores: ClassVar[bool] = True

    @property
    def layer_parameters(self) -> int:
        return BUCKETS * self.model.num_heads

    def build(self, tp_pg: dist.ProcessGroup) -> LayerPosition:
        from studylib.choices.position import _bias

        return _bias.BucketBias(self.model, tp_pg, BUCKETS, FARTHEST)
