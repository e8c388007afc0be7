"""The torch side of RWKV-7."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from studylib.choices.declare import declare
from studylib.choices.mixer._delta import delta_rule
from studylib.choices.past import Past, with_tail
from studylib.choices.precision import at_least_fp32
from studylib.parallel import TP_MODE, TensorParallelColumnLinear, TensorParallelRowLinear, dist, split_parameter

if TYPE_CHECKING:
    from studylib.spec import ModelSpec

# The strongest decay of a position, exp(-exp(-0.5)) = 0.545, as the paper's equation 12 bounds it.
STRONGEST = -math.exp(-0.5)
EPS = 1e-5  # times the head size, as in the paper's code
SHIFTS = ("receptance", "decay", "key", "value", "rate", "gate")


class TimeMixing(nn.Module):
    """Token shift, value residual, the delta rule with data-dependent decay and rate, group norm, bonus and gate.

    In all layers but the first a gate a channel and position mixes the first layer's value into the layer's own:
    ``v + (v_first - v) sigmoid(value_bias + value_out(value_in(x)))`` (value residual, after ResFormer, arXiv 2410.17897).

    Tensor parallelism splits heads; shifts and the inner halves of the low-rank maps are the same on every rank.
    """

    def __init__(
        self, model: ModelSpec, tp_pg: dist.ProcessGroup, *, decay_rank: int, rate_rank: int, gate_rank: int, value_rank: int
    ):  # fmt: skip
        super().__init__()
        hidden = model.hidden_size
        self.num_heads, self.head_dim = model.num_heads // tp_pg.size(), model.head_dim

        def over_heads(inputs: int) -> TensorParallelColumnLinear:
            return TensorParallelColumnLinear(inputs, hidden, pg=tp_pg, mode=TP_MODE, bias=False)

        def over_channels() -> nn.Parameter:
            return split_parameter(torch.empty(hidden // tp_pg.size()), 0, tp_pg)

        self.shift = declare(nn.Parameter(torch.empty(len(SHIFTS), hidden)), role="norm", start=_shifts)
        self.r_proj, self.k_proj, self.v_proj = over_heads(hidden), over_heads(hidden), over_heads(hidden)
        self.decay_in, self.decay_out = nn.Linear(hidden, decay_rank, bias=False), over_heads(decay_rank)
        self.rate_in, self.rate_out = nn.Linear(hidden, rate_rank, bias=False), over_heads(rate_rank)
        self.gate_in, self.gate_out = nn.Linear(hidden, gate_rank, bias=False), over_heads(gate_rank)
        self.mixes_value = value_rank > 0  # the first layer has none to mix in
        if self.mixes_value:
            self.value_in, self.value_out = (
                nn.Linear(hidden, value_rank, bias=False),
                over_heads(value_rank),
            )
            self.value_bias = declare(over_channels(), start=_value_bias)
        self.decay_bias = declare(over_channels(), start=partial(_decay_bias, self.head_dim))
        self.rate_bias = declare(over_channels(), start=partial(_rate_bias, self.head_dim))
        # k_k, k_a and r_k of the paper's code
        self.removal_scale = declare(over_channels(), start=_removal_scale)
        self.rate_scale = declare(over_channels(), start=1.02)
        self.bonus = declare(over_channels(), start=-0.04)
        self.norm_weight = declare(over_channels(), start=1.0)
        self.norm_bias = declare(over_channels(), start=0.0)
        self.o_proj = TensorParallelRowLinear(hidden, hidden, pg=tp_pg, mode=TP_MODE, bias=False)

    def forward(
        self, hidden_states: torch.Tensor, first_value: torch.Tensor | None = None, past: Past | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """[batch, seq, hidden] to the same, and the first layer's value [batch, seq, hidden / tp] (None before it).

        A ``past`` is gone on from.
        """
        change = with_tail(past, "shifted", hidden_states, 1)[:, :-1] - hidden_states
        shifted = [torch.addcmul(hidden_states, change, weight.to(change.dtype)) for weight in self.shift]
        r_in, w_in, k_in, v_in, a_in, g_in = shifted
        r, k, value = at_least_fp32(self.r_proj(r_in)), at_least_fp32(self.k_proj(k_in)), self.v_proj(v_in)
        v = at_least_fp32(value)
        if self.mixes_value:
            share = torch.sigmoid(at_least_fp32(self.value_out(self.value_in(v_in))) + self.value_bias)
            v = torch.lerp(v, at_least_fp32(first_value), share)
        else:
            first_value = value
        rate = torch.sigmoid(at_least_fp32(self.rate_out(self.rate_in(a_in))) + self.rate_bias)
        decay = torch.sigmoid(at_least_fp32(self.decay_out(torch.tanh(self.decay_in(w_in)))) + self.decay_bias)
        gate = self.gate_out(torch.sigmoid(self.gate_in(g_in)))
        removal = F.normalize(self._heads(k * self.removal_scale), dim=-1)
        k = self._heads(k * (1 + (rate - 1) * self.rate_scale))
        r, v = self._heads(r), self._heads(v)
        mixed = delta_rule(r, self._heads(decay * STRONGEST), k, v, -removal, removal * self._heads(rate), past)
        mixed = F.layer_norm(mixed, (self.head_dim,), eps=self.head_dim * EPS).flatten(2)
        mixed = mixed * self.norm_weight + self.norm_bias
        bonus = (r * k * self._heads(self.bonus)).sum(dim=-1, keepdim=True) * v
        return self.o_proj((mixed + bonus.flatten(2)) * gate), first_value

    def _heads(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.unflatten(-1, (self.num_heads, self.head_dim))


# The start values of the authors' code (RWKV-LM, RWKV-v7) at half the depth. Channels differ, so that some forget at once
# and others keep for long; ``_ramp`` goes through all channels, ``_zigzag`` through those of each head.


def _ramp(shape: torch.Size) -> torch.Tensor:
    """From 0 to 1 over the channels."""
    return torch.arange(shape[-1]) / max(shape[-1] - 1, 1)


def _zigzag(shape: torch.Size, head_dim: int) -> torch.Tensor:
    """From -1 to 1 over the channels of each head, flat in the middle."""
    place = 2 * (torch.arange(shape[-1]) % head_dim) / max(head_dim - 1, 1) - 1
    return place * place.abs()


def _shifts(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """How much of the position before each input takes, by SHIFTS: much in the first channels, little in the last."""
    powers = torch.tensor([0.2, 0.9, 0.7, 0.7, 0.9, 0.2]) * 0.5
    return 1 - (torch.arange(shape[-1]) / shape[-1]) ** powers.unsqueeze(1)


def _decay_bias(head_dim: int, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    return -5.5 + 6 * _ramp(shape) ** (1 + 0.5**0.3) + 2.5 * _zigzag(shape, head_dim)


def _rate_bias(head_dim: int, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    return -0.19 + 0.3 * _zigzag(shape, head_dim) + 0.4 * (_ramp(shape) - 0.5)


def _value_bias(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    return 0.73 - 0.4 * (_ramp(shape) - 0.5)


def _removal_scale(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    return 0.71 - 0.1 * (_ramp(shape) - 0.5)
