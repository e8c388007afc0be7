"""Sequence mixers: how a layer lets positions see earlier ones (attention, state-space models, linear attention ...).

A choice is a torch-free class derived from ``Mixer``; ``build()`` makes the torch module. Its output projection is named
``o_proj``; what starts otherwise than the parametrisation says is declared with ``studylib.choices.declare.declare``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from studylib.registry import Choice

if TYPE_CHECKING:
    from torch import nn

    from studylib.parallel import dist
    from studylib.spec import ModelSpec


class SavedActivations(NamedTuple):
    """Numbers a token that one layer's part keeps for its backward pass, computed eagerly.

    ``low`` are of the products' type (bf16 under autocast, else fp32), ``full`` always fp32, and ``copies`` exist only where
    the products' type is not fp32; these are split over tensor-parallel ranks. ``replicated`` ones, of the products' type,
    are kept by each rank alike.
    """

    low: float = 0.0
    full: float = 0.0
    copies: float = 0.0
    replicated: float = 0.0


class Mixer(Choice):
    """Describes the mixer of layer ``layer`` (from 0) of ``model``."""

    # Whether ``forward`` understands ``prefix_len``: positions before it see each other both ways.
    sees_prefix: ClassVar[bool] = False
    # Whether ``forward`` understands ``begin``: several texts lie in a row, int64 [batch, seq] says where that of each position
    # begins, and nothing goes from one to another.
    keeps_texts_apart: ClassVar[bool] = False
    # Whether it mixes the first layer's values into its own: then ``forward`` is (hidden_states, first_value, past=None) to (the same
    # shape, first_value), where first_value is None in the first layer and [batch, seq, hidden / tp] behind it.
    shares_value: ClassVar[bool] = False
    # Which of fla-core's kernels (functions of ``_fla``) can compute it; empty: none.
    fla_core: ClassVar[str] = ""

    def __init__(self, model: ModelSpec, layer: int = 0):
        super().__init__(model)
        self.model, self.layer = model, layer

    @property
    def matrix_parameters(self) -> int:
        """Weights of the matrix products of one layer."""
        raise NotImplementedError

    @property
    def other_parameters(self) -> int:
        """All other trained values of one layer."""
        return 0

    @property
    def mixing_flops(self) -> float:
        """Forward FLOPs per token and layer beyond those products: scores, state updates."""
        raise NotImplementedError

    def saved(self, *, scores: bool) -> SavedActivations:
        """What one layer keeps for its backward pass; ``scores``: attention's back-end keeps its probabilities."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise StudyError where the model's shape does not allow this mixer."""

    def build(self, tp_pg: dist.ProcessGroup) -> nn.Module:
        """``forward(hidden_states [batch, seq, hidden], prefix_len=None, begin=None, past=None)`` to the same shape; heads split over
        ``tp_pg``. A mixer takes ``prefix_len`` and ``begin`` where it understands them; a pass has no ``begin`` beside a ``past``.

        With a ``studylib.choices.past.Past`` it goes on behind the positions read with it before, and keeps there what the
        next ones need: the outputs are those of one pass over all of them, however they are cut.
        """
        raise NotImplementedError
