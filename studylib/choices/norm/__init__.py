"""Normalisations over the last dimension.

A choice is a torch-free class derived from ``Norm``; ``build()`` makes the torch module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from studylib.registry import Choice

if TYPE_CHECKING:
    from torch import nn

    from studylib.spec import ModelSpec


class Norm(Choice):
    """Describes a normalisation over ``hidden_size`` of ``model``; ``before_mixer``: what a mixer reads is normalised."""

    # Whether it expects a residual stream that starts at unit scale, since it does not measure the scale itself.
    unit_stream: ClassVar[bool] = False
    # fp32 numbers an entry that are kept for the backward pass.
    saved: ClassVar[int] = 1
    # Whether its output stays bounded however large its input grows.
    bounds: ClassVar[bool] = True

    def __init__(self, model: ModelSpec, *, before_mixer: bool = False):
        super().__init__(model)
        self.size, self.before_mixer = model.hidden_size, before_mixer

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        return self.size

    def build(self) -> nn.Module:
        """[..., size] to the same."""
        raise NotImplementedError
