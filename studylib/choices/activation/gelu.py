"""GELU: ``x Phi(x)``, exact (Hendrycks and Gimpel 2016, arXiv 1606.08415)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studylib.choices.activation import Activation

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

__all__ = ["GELU"]


class GELU(Activation):
    def build(self) -> Callable[[torch.Tensor], torch.Tensor]:
        from torch.nn import functional as F

        return F.gelu
