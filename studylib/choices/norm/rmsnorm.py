"""Root-mean-square normalisation (Zhang and Sennrich 2019, arXiv 1910.07467)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from studylib.choices.norm import Norm

if TYPE_CHECKING:
    from torch import nn

__all__ = ["RMSNorm"]


class RMSNorm(Norm):
    """``x / rms(x) * weight``; the weight starts at one."""

    saved: ClassVar[int] = 2

    def build(self) -> nn.Module:
        from studylib.choices.norm import _rmsnorm

        return _rmsnorm.RMSNorm(self.size)
