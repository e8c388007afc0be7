"""The torch side of RetNet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from studylib.choices.mixer._linear import linear_attention
from studylib.choices.past import Past
from studylib.choices.position._rope import rotary_tables, rotate
from studylib.parallel import TP_MODE, TensorParallelColumnLinear, TensorParallelRowLinear, dist

if TYPE_CHECKING:
    from studylib.spec import ModelSpec

EPS = 1e-5  # torch's own; with less, gradients leap where a head's output passes through nothing


class MultiScaleRetention(nn.Module):
    """``S_t = gamma S_{t-1} + k_t^T v_t``, ``o_t = q_t S_t``, group norm over each head, SiLU gate (equation 8).

    The paper's xPos rotation without its growth term, which the decay stands for. Its scalings of the score matrix are
    left out: the group norm undoes any scale (section 2.4), and the decays and the state are fp32 here.
    """

    def __init__(self, model: ModelSpec, tp_pg: dist.ProcessGroup):
        super().__init__()
        hidden = model.hidden_size
        self.num_heads, self.head_dim = model.num_heads // tp_pg.size(), model.head_dim
        chunks = (hidden, hidden, 2 * hidden, 2 * hidden)
        self.qkvg_proj = TensorParallelColumnLinear(
            hidden, sum(chunks), pg=tp_pg, mode=TP_MODE, bias=False, contiguous_chunks=chunks
        )
        self.o_proj = TensorParallelRowLinear(2 * hidden, hidden, pg=tp_pg, mode=TP_MODE, bias=False)
        cos_TD, sin_TD = rotary_tables(model.seq_len, model.head_dim)
        self.register_buffer("cos", cos_TD, persistent=False)
        self.register_buffer("sin", sin_TD, persistent=False)
        first = dist.get_rank(tp_pg) * self.num_heads
        log_decay = log_decays(model.num_heads)[first : first + self.num_heads]
        self.register_buffer("log_decay", torch.from_numpy(log_decay).float(), persistent=False)

    def forward(
        self, hidden_states: torch.Tensor, prefix_len: torch.Tensor | None = None, past: Past | None = None
    ) -> torch.Tensor:
        """[batch, seq, hidden] to the same; a ``past`` is gone on from."""
        length, first = hidden_states.shape[1], past.length if past is not None else 0
        projected = self.qkvg_proj(hidden_states).unflatten(-1, (-1, self.head_dim))
        query, key, value, gate = projected.split([self.num_heads * width for width in (1, 1, 2, 2)], dim=2)
        cos, sin = (table[first : first + length].unsqueeze(1).to(query.dtype) for table in (self.cos, self.sin))
        query, key = rotate(query, cos, sin), rotate(key, cos, sin) * self.head_dim**-0.5
        value = value.unflatten(2, (self.num_heads, 2)).flatten(3)
        mixed = linear_attention(query, key, value, self.log_decay.expand(1, length, -1), past)
        mixed = F.layer_norm(mixed, mixed.shape[-1:], eps=EPS).flatten(2)
        return self.o_proj(mixed * F.silu(gate.flatten(2)))


def log_decays(num_heads: int) -> np.ndarray:
    """``log(1 - 2^(-5-i))`` for head i: the first forgets over 32 positions, each next over twice as many."""
    return np.log1p(-(2.0 ** (-5.0 - np.arange(num_heads))))
