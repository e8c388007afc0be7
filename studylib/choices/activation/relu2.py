"""Squared ReLU: ``max(x, 0)^2`` (So et al. 2021, Primer, arXiv 2109.08668)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studylib.choices.activation import Activation

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

__all__ = ["SquaredReLU"]


class SquaredReLU(Activation):
    def build(self) -> Callable[[torch.Tensor], torch.Tensor]:
        return squared_relu


def squared_relu(x: torch.Tensor) -> torch.Tensor:
    return x.relu().square()
