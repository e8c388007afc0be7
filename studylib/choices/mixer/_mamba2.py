"""The torch side of Mamba-2."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from studylib.choices.declare import declare
from studylib.choices.mixer._linear import linear_attention
from studylib.choices.past import Past, with_tail
from studylib.choices.precision import at_least_fp32
from studylib.parallel import (
    TP_MODE,
    TensorParallelColumnLinear,
    TensorParallelRowLinear,
    differentiable_identity,
    dist,
    split_parameter,
)

EPS = 1e-5
DECAY_RANGE, STEP_RANGE = (1.0, 16.0), (1e-3, 1e-1)


class SelectiveStateSpace(nn.Module):
    """``S_t = exp(-A dt_t) S_{t-1} + dt_t x_t B_t^T``, ``y_t = S_t C_t + D x_t``, normalised under a gate.

    Tensor parallelism splits heads; B and C, which all heads share, are computed on every rank. The gated norm works on
    groups, as the paper has it for tensor parallelism (section 8.1); here a group is a head, so that every
    layout computes the same. Decays, steps and the state are fp32.
    """

    def __init__(
        self, hidden_size: int, tp_pg: dist.ProcessGroup, *, inner_size: int, num_heads: int, state_size: int, convolution: int
    ):  # fmt: skip
        super().__init__()
        self.tp_pg = tp_pg
        hidden, inner, heads, state = hidden_size, inner_size, num_heads, state_size
        self.inner_size, self.num_heads, self.head_dim = inner // tp_pg.size(), heads // tp_pg.size(), inner // heads

        def over_heads(size: int, *others: int) -> nn.Parameter:
            return split_parameter(torch.empty(size // tp_pg.size(), *others), 0, tp_pg)

        self.in_proj = TensorParallelColumnLinear(
            hidden, 2 * inner + heads, pg=tp_pg, mode=TP_MODE, bias=False, contiguous_chunks=(inner, inner, heads)
        )
        self.state_proj = nn.Linear(hidden, 2 * state, bias=False)
        self.input_taps = declare(over_heads(inner, convolution), role="norm", start=_taps)
        self.input_offset = declare(over_heads(inner), start=0.0)
        self.state_taps = declare(nn.Parameter(torch.empty(2 * state, convolution)), role="norm", start=_taps)
        self.state_offset = declare(nn.Parameter(torch.empty(2 * state)), start=0.0)
        self.step_bias = declare(over_heads(heads), start=_step_bias)
        self.log_decay = declare(over_heads(heads), start=_log_decay)
        self.skip = declare(over_heads(heads), start=1.0)
        self.norm_weight = declare(over_heads(inner), start=1.0)
        self.o_proj = TensorParallelRowLinear(inner, hidden, pg=tp_pg, mode=TP_MODE, bias=False)

    def forward(
        self, hidden_states: torch.Tensor, prefix_len: torch.Tensor | None = None, past: Past | None = None
    ) -> torch.Tensor:
        """[batch, seq, hidden] to the same; a ``past`` is gone on from."""
        gate, x, step = self.in_proj(hidden_states).split((self.inner_size, self.inner_size, self.num_heads), dim=-1)
        x = convolve(x, self.input_taps, self.input_offset, past, "input")
        state = convolve(self.state_proj(hidden_states), self.state_taps, self.state_offset, past, "maps")
        # Every rank's heads read B and C: their gradients are summed over ranks here.
        key, query = differentiable_identity(state, self.tp_pg).unsqueeze(2).chunk(2, dim=-1)
        step = F.softplus(at_least_fp32(step) + self.step_bias)
        x = x.unflatten(-1, (self.num_heads, self.head_dim))
        mixed = linear_attention(query, key, x * step.unsqueeze(-1), -step * torch.exp(self.log_decay), past)
        mixed = (mixed + x * self.skip.unsqueeze(-1)) * F.silu(gate).unflatten(-1, (self.num_heads, self.head_dim))
        mixed = F.rms_norm(mixed, (self.head_dim,), eps=EPS).flatten(-2) * self.norm_weight
        return self.o_proj(mixed)


def convolve(
    x: torch.Tensor, taps: torch.Tensor, bias: torch.Tensor, past: Past | None = None, name: str = ""
) -> torch.Tensor:
    """Causal convolution of each channel, then SiLU: x [batch, seq, channels], taps [channels, width], the last for now.

    Of the positions before ``x`` the last are kept in ``past`` under ``name``; without one there are none.
    """
    width, length = taps.shape[1], x.shape[1]
    padded = with_tail(past, name, x, width - 1)
    mixed = bias
    for tap in range(width):
        mixed = torch.addcmul(mixed, padded[:, tap : tap + length], taps[:, tap])
    return F.silu(mixed)


def _taps(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """As torch's own convolution starts: uniform within 1 / sqrt(width)."""
    return (2 * torch.rand(shape, generator=generator) - 1) * shape[-1] ** -0.5


def _log_decay(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """The logarithm of A, which is uniform between 1 and 16 as in the authors' code."""
    low, high = DECAY_RANGE
    return torch.log(low + (high - low) * torch.rand(shape, generator=generator))


def _step_bias(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """Where softplus gives steps spread evenly in logarithm between 0.001 and 0.1, as in the authors' code."""
    low, high = (math.log(bound) for bound in STEP_RANGE)
    step = torch.exp(low + (high - low) * torch.rand(shape, generator=generator))
    return step + torch.log(-torch.expm1(-step))
