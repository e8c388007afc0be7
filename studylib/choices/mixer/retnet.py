"""RetNet's multi-scale retention (Sun et al. 2023, arXiv 2307.08621)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from studylib.choices.mixer import Mixer, SavedActivations
from studylib.choices.mixer._chunks import LINEAR_CHUNK, chunks_of, linear_attention_flops
from studylib.errors import invalid

if TYPE_CHECKING:
    from torch import nn

    from studylib.parallel import dist

__all__ = ["RetNet"]


class RetNet(Mixer):
    """Linear attention with a fixed decay a head, rotated keys and queries, and values twice as wide.

    A layer has 8 hidden_size^2 parameters where attention has 4; the paper takes the difference from the MLP, as
    ``studylib.model.family.of_equal_size`` does.
    """

    fla_core: ClassVar[str] = "linear_attention"

    @property
    def matrix_parameters(self) -> int:
        """Query and key; value, gate and output of twice the width."""
        return 8 * self.model.hidden_size**2

    @property
    def mixing_flops(self) -> float:
        model = self.model
        return linear_attention_flops(
            model.seq_len, model.num_heads, model.head_dim, 2 * model.head_dim, shared_key=False
        )

    def check(self) -> None:
        if self.model.head_dim % 2:
            raise invalid(
                "model.num_heads",
                self.model.num_heads,
                f"gives an odd head size {self.model.head_dim}; retnet's rotation needs an even one",
            )

    def saved(self, *, scores: bool) -> SavedActivations:
        """Inside chunks query, key, value and decayed scores; between them those again and the states; group norm and gate."""
        hidden, heads = self.model.hidden_size, self.model.num_heads
        number, size = chunks_of(self.model.seq_len, LINEAR_CHUNK)
        between = (number - 1) / number * (4 + 2 * self.model.head_dim / size) * hidden
        inside = 4 * hidden + heads * size
        return SavedActivations(low=inside + between + 10 * hidden, full=4 * hidden, replicated=hidden)

    def build(self, tp_pg: dist.ProcessGroup) -> nn.Module:
        from studylib.choices.mixer import _retnet

        return _retnet.MultiScaleRetention(self.model, tp_pg)
