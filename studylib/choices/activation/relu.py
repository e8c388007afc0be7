"""ReLU: ``max(x, 0)`` (Glorot et al. 2011); the MLP of the first transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studylib.choices.activation import Activation

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

__all__ = ["ReLU"]


class ReLU(Activation):
    def build(self) -> Callable[[torch.Tensor], torch.Tensor]:
        from torch.nn import functional as F

        return F.relu
