"""RWKV-7 "Goose" (Peng et al. 2025, arXiv 2503.14456)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from studylib.choices.mixer import Mixer, SavedActivations
from studylib.choices.mixer._chunks import DELTA_CHUNK, chunks_of, delta_rule_flops

if TYPE_CHECKING:
    from torch import nn

    from studylib.parallel import dist
    from studylib.spec import ModelSpec

__all__ = ["RWKV7"]


class RWKV7(Mixer):
    """Time mixing of RWKV-7; the layer's other half is the MLP named by ``activation``.

    Left out of the paper are start values that depend on the layer's depth: all layers start as the paper's middle one.
    The ranks of the low-rank maps grow with the root of the hidden size as in the paper's appendix, but to multiples of 8
    instead of 32, for small models. A layer has a little more than attention's 4 hidden_size^2 parameters; the first one
    has no gate for the value residual.
    """

    shares_value: ClassVar[bool] = True
    fla_core: ClassVar[str] = "delta_rule"

    def __init__(self, model: ModelSpec, layer: int = 0):
        super().__init__(model, layer)
        root = math.sqrt(model.hidden_size)
        self.decay_rank = self.rate_rank = _rank(2.5 * root)
        self.gate_rank = _rank(5 * root)
        self.value_rank = _rank(1.7 * root) if layer else 0

    @property
    def matrix_parameters(self) -> int:
        """Receptance, key, value, output; decay, rate, gate and the value residual's gate through low ranks."""
        hidden = self.model.hidden_size
        ranks = self.decay_rank + self.rate_rank + self.gate_rank + self.value_rank
        return 4 * hidden * hidden + 2 * hidden * ranks

    @property
    def other_parameters(self) -> int:
        """Six token shifts; biases of decay, rate and value gate; three key vectors; gain and bias of the group norm."""
        return (6 + (3 if self.layer else 2) + 3 + 2) * self.model.hidden_size

    @property
    def mixing_flops(self) -> float:
        return delta_rule_flops(self.model.seq_len, self.model.num_heads, self.model.head_dim)

    def saved(self, *, scores: bool) -> SavedActivations:
        """Six shifted inputs; gates and their low ranks; and in fp32 what the delta rule reads, solves and carries on."""
        hidden, heads = self.model.hidden_size, self.model.num_heads
        number, size = chunks_of(self.model.seq_len, DELTA_CHUNK)
        next_one, next_but_one = (number - 1) / number, max(number - 2, 0) / number
        within = 16 * hidden + heads * size * (5 + next_one) + (6 * next_one + 2 * next_but_one) * hidden
        states = hidden * self.model.head_dim / size * (2 * next_but_one + next_one)
        around = (15 + (3 if self.layer else 0)) * hidden
        ranks = self.decay_rank + self.rate_rank + self.gate_rank + self.value_rank
        return SavedActivations(low=2 * hidden, full=within + states + around, replicated=7 * hidden + ranks)

    def build(self, tp_pg: dist.ProcessGroup) -> nn.Module:
        from studylib.choices.mixer import _rwkv7

        return _rwkv7.TimeMixing(
            self.model, tp_pg, decay_rank=self.decay_rank, rate_rank=self.rate_rank, gate_rank=self.gate_rank,
            value_rank=self.value_rank,
        )  # fmt: skip


def _rank(wanted: float) -> int:
    return max(8, round(wanted / 8) * 8)
