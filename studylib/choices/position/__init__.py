"""Positional encodings.

A choice is a torch-free class derived from ``Position``. ``build`` makes what acts inside each attention layer, a module
with the interface of ``_position.LayerPosition``; ``build_embedding`` what acts once, at the token embedding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from studylib.registry import Choice

if TYPE_CHECKING:
    from torch import nn

    from studylib.choices.position._position import LayerPosition
    from studylib.parallel import dist
    from studylib.spec import ModelSpec


class Position(Choice):
    """Describes how a model knows the order of its tokens."""

    # Whether it adds to the scores: then a [heads, seq, seq] tensor is held for every layer.
    biases_scores: ClassVar[bool] = False

    def __init__(self, model: ModelSpec):
        super().__init__(model)
        self.model = model

    @property
    def layer_parameters(self) -> int:
        """Trained values in each attention layer."""
        return 0

    @property
    def embedding_parameters(self) -> int:
        """Trained values at the token embedding."""
        return 0

    @property
    def longest(self) -> int | None:
        """The longest context it can be asked for; None: any."""
        return None

    def check(self) -> None:
        """Raise StudyError where the model's shape does not allow this encoding."""

    def build(self, tp_pg: dist.ProcessGroup) -> LayerPosition:
        """What acts in an attention layer; heads are split over ``tp_pg``."""
        from studylib.choices.position._position import LayerPosition

        return LayerPosition()

    def build_embedding(self) -> nn.Module | None:
        """A module from hidden states [batch, seq, hidden] to the same, after the token embedding; None: nothing.

        ``forward(hidden_states, first=0, place=None)``, as ``LayerPosition``'s.
        """
        return None
