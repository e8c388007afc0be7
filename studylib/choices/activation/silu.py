"""SiLU, also called swish: ``x sigmoid(x)`` (Elfwing et al. 2017, arXiv 1702.03118)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studylib.choices.activation import Activation

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

__all__ = ["SiLU"]


class SiLU(Activation):
    def build(self) -> Callable[[torch.Tensor], torch.Tensor]:
        from torch.nn import functional as F

        return F.silu
