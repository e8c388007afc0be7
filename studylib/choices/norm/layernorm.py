"""Layer normalisation (Ba et al. 2016, arXiv 1607.06450)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studylib.choices.norm import Norm

if TYPE_CHECKING:
    from torch import nn

__all__ = ["LayerNorm"]


class LayerNorm(Norm):
    """``(x - mean) / std * weight + bias``; the weight starts at one, the bias at zero."""

    @property
    def parameters(self) -> int:
        return 2 * self.size

    def build(self) -> nn.Module:
        from studylib.choices.norm import _layernorm

        return _layernorm.LayerNorm(self.size)
