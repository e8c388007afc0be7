"""Mamba-2, a selective state-space model (Dao and Gu 2024, arXiv 2405.21060)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from studylib.choices.mixer import Mixer, SavedActivations
from studylib.choices.mixer._chunks import LINEAR_CHUNK, chunks_of, linear_attention_flops
from studylib.frozen import Frozen, Positive

if TYPE_CHECKING:
    from torch import nn

    from studylib.parallel import dist
    from studylib.spec import ModelSpec

__all__ = ["Mamba2"]


class Mamba2(Mixer):
    """Twice the hidden size inside, in twice ``num_heads`` heads of ``head_dim``; one input and output map for all heads.

    That is the paper's "multi-value" layout with expansion 2. A layer has about 6 hidden_size^2 parameters where attention
    has 4: see ``studylib.model.family.of_equal_size``.
    """

    class Options(Frozen):
        state_size: Positive | None = Field(
            default=None, description="per channel; none: twice the head size, as in the paper's models (128 and 64)"
        )

    options: Options
    fla_core: ClassVar[str] = "linear_attention"
    convolution: ClassVar[int] = 4
    """Positions under the convolution before the state."""

    def __init__(self, model: ModelSpec, layer: int = 0):
        super().__init__(model, layer)
        self.inner_size = 2 * model.hidden_size
        self.num_heads = 2 * model.num_heads
        self.state_size = self.options.state_size or 2 * model.head_dim

    @property
    def matrix_parameters(self) -> int:
        """Gate, input, steps and output, split over heads; the maps into and out of the state, shared by them."""
        return self.model.hidden_size * (3 * self.inner_size + self.num_heads + 2 * self.state_size)

    @property
    def other_parameters(self) -> int:
        """Convolution with bias over input and both maps; step bias, decay and skip a head; the norm's gain."""
        convolved = self.inner_size + 2 * self.state_size
        return convolved * (self.convolution + 1) + 3 * self.num_heads + self.inner_size

    @property
    def mixing_flops(self) -> float:
        return linear_attention_flops(
            self.model.seq_len, self.num_heads, self.state_size, self.model.head_dim, shared_key=True
        )

    def saved(self, *, scores: bool) -> SavedActivations:
        """Convolution, steps, decays and scores inside chunks; what goes into, through and out of the states; gate and norm."""
        inner, heads, state = self.inner_size, self.num_heads, self.state_size
        number, size = chunks_of(self.model.seq_len, LINEAR_CHUNK)
        between = (number - 1) / number
        states = inner * state / size
        low = 6 * inner + heads * (size + 1) + 2 * inner * between + states * between
        full = 5 * inner + heads * (size + 10) + inner * between + states * max(number - 2, 0) / number
        shared = state * (6 + 2 * between) + size  # both maps of the state, before and behind the convolution
        return SavedActivations(low=low, full=full, replicated=self.model.hidden_size + shared)

    def build(self, tp_pg: dist.ProcessGroup) -> nn.Module:
        from studylib.choices.mixer import _mamba2

        return _mamba2.SelectiveStateSpace(
            self.model.hidden_size, tp_pg, inner_size=self.inner_size, num_heads=self.num_heads,
            state_size=self.state_size, convolution=self.convolution,
        )  # fmt: skip
