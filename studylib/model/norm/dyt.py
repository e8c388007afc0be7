"""Dynamic Tanh (Zhu et al. 2025, "Transformers without normalization", arXiv 2503.10622)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from studylib.model.norm import Norm

if TYPE_CHECKING:
    from torch import nn

__all__ = ["DynamicTanh"]

# The paper's best start of alpha for language models is 1.0 at width 1024 and falls with width (its table on alpha0 and width);
# one in inverse proportion follows that, and narrower models keep 1.0.
ALPHA, WIDTH = 1.0, 1024


class DynamicTanh(Norm):
    """``weight * tanh(alpha x) + bias`` with one learned alpha: squashes outliers as a norm does, without statistics.

    The paper multiplies the embedding so that the stream starts near unit scale; so does this (``unit_stream``).
    """

    unit_stream: ClassVar[bool] = True
    kept: ClassVar[int] = 2

    @property
    def parameters(self) -> int:
        return 2 * self.size + 1

    @property
    def alpha(self) -> float:
        """What alpha starts from."""
        return ALPHA * min(1.0, WIDTH / self.size)

    def build(self) -> nn.Module:
        from studylib.model.norm import _dyt

        return _dyt.DynamicTanh(self.size, self.alpha)
