"""Dynamic Tanh (Zhu et al. 2025, "Transformers without normalization", arXiv 2503.10622)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from studylib.choices.norm import Norm

if TYPE_CHECKING:
    from torch import nn

__all__ = ["DynamicTanh"]

# By width, where alpha starts before attention and elsewhere: 1.0 up to 1024, and from 4096 on what the paper's authors take for
# their Llama models (7B, 13B, 34B and 70B). Between them along straight lines in logarithms.
STARTS = {1024: (1.0, 1.0), 4096: (0.8, 0.2), 5120: (0.6, 0.15), 8192: (0.2, 0.05)}


class DynamicTanh(Norm):
    """``weight * tanh(alpha x) + bias`` with one learned alpha: squashes outliers as a norm does, without statistics.

    The paper multiplies the embedding so that the stream starts near unit scale; so does this (``unit_stream``).
    """

    unit_stream: ClassVar[bool] = True
    saved: ClassVar[int] = 2

    @property
    def parameters(self) -> int:
        return 2 * self.size + 1

    @property
    def alpha(self) -> float:
        """What alpha starts from. Of 0.2, 0.5, 1, 2 and 4 the paper's 1 was best at width 32, too (see LOG.md)."""
        place = 0 if self.before_mixer else 1
        widths = sorted(STARTS)
        for narrow, wide in pairwise(widths):
            if narrow < self.size <= wide:
                share = math.log(self.size / narrow) / math.log(wide / narrow)
                return STARTS[narrow][place] ** (1 - share) * STARTS[wide][place] ** share
        return STARTS[min(max(self.size, widths[0]), widths[-1])][place]

    def build(self) -> nn.Module:
        from studylib.choices.norm import _dyt

        return _dyt.DynamicTanh(self.size, self.alpha)
