"""Activations of the MLP.

A choice is a class derived from ``Activation``. An ungated MLP is half as wide again by default (``ModelSpec.ffn_size``), so that
both kinds have the same parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from studylib.registry import Choice

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch


class Activation(Choice):
    """An elementwise function of the MLP's inner values."""

    gated: ClassVar[bool] = False
    """Whether it is applied to a gate that multiplies those values: the MLP then has a third matrix."""

    def build(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """A function from a tensor to one of the same shape."""
        raise NotImplementedError
