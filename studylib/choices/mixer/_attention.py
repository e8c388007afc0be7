"""Causal self-attention, heads split over tensor-parallel ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy
import torch
from torch import nn

from studylib.choices.attention import causal_attention
from studylib.choices.declare import declare, full_shape
from studylib.choices.norm._rmsnorm import RMSNorm
from studylib.choices.past import Past
from studylib.parallel import (
    TP_MODE,
    TensorParallelColumnLinear,
    TensorParallelRowLinear,
    dist,
    sum_gradient_over_tp,
)
from studylib.registry import ATTENTION_PATTERNS, POSITIONS

if TYPE_CHECKING:
    from studylib.spec import ModelSpec


class CausalSelfAttention(nn.Module):
    """Scaled dot-product attention with grouped key-value heads.

    One matrix computes query, key and value; its rows are cut per projection (``contiguous_chunks``), so a
    checkpoint written at one tensor-parallel size loads at another.
    """

    # How attention is computed; ``build_gpt`` sets it from the Execution.
    backend = "auto"

    def __init__(self, model: ModelSpec, tp_pg: dist.ProcessGroup):
        super().__init__()
        ranks = tp_pg.size()
        self.num_heads = model.num_heads // ranks
        self.num_kv_heads = model.kv_heads // ranks
        self.head_dim = model.head_dim
        self.key_value_size = model.kv_heads * model.head_dim
        query, key_value = model.num_heads * model.head_dim, model.kv_heads * model.head_dim
        self.qkv_proj = TensorParallelColumnLinear(
            model.hidden_size, query + 2 * key_value, pg=tp_pg, mode=TP_MODE, bias=False,
            contiguous_chunks=(query, key_value, key_value),
        )  # fmt: skip
        self.o_proj = TensorParallelRowLinear(query, model.hidden_size, pg=tp_pg, mode=TP_MODE, bias=False)
        self.q_norm, self.k_norm = (
            (head_norm(model.head_dim), head_norm(model.head_dim)) if model.qk_norm else (None, None)
        )
        self.pattern = ATTENTION_PATTERNS[model.attention_pattern](model)
        self.position = POSITIONS[model.position](model).build(tp_pg)

    def forward(
        self,
        hidden_states: torch.Tensor,
        prefix_len: torch.Tensor | None = None,
        begin: torch.Tensor | None = None,
        past: Past | None = None,
    ) -> torch.Tensor:
        """[batch, seq, hidden] to the same; with a ``past`` its keys and values are read as well, and these added to them.

        A pass has ``begin`` or a ``past``, not both.
        """
        batch, length, _ = hidden_states.shape
        heads = self.num_heads, self.num_kv_heads, self.num_kv_heads
        qkv = self.qkv_proj(hidden_states).view(batch, length, sum(heads), self.head_dim).transpose(1, 2)
        query, key, value = qkv.split(heads, dim=1)
        if self.q_norm is not None:
            query, key = self.q_norm(query).to(value.dtype), self.k_norm(key).to(value.dtype)
        first = past.length if past is not None else 0
        place = None if begin is None else torch.arange(length, device=begin.device) - begin
        query, key = self.position(query, key, first, place)
        if past is not None:
            key, value = past.appended("key", key), past.appended("value", value)
        mixed = causal_attention(
            query, key, value, bias=self.position.bias(length, key.shape[-2]), prefix_len=prefix_len, begin=begin,
            pattern=self.pattern, backend=self.backend,
        )  # fmt: skip
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))

    def scale_start(self, gain: float) -> None:
        """Start values of value and output projection times ``gain``; those of query and key stay."""
        # numpy, because nanotron patches torch's constructors (dtype and device) while a model is being built
        rows = numpy.ones((full_shape(self.qkv_proj.weight)[0], 1), dtype=numpy.float32)
        rows[-self.key_value_size :] = gain
        declare(self.qkv_proj.weight, gain=torch.from_numpy(rows))
        declare(self.o_proj.weight, gain=gain)


def head_norm(head_dim: int) -> RMSNorm:
    """RMSNorm over a head, one weight for all heads; each tensor-parallel rank sees only its own of them."""
    norm = RMSNorm(head_dim)
    sum_gradient_over_tp(norm.weight)
    return norm
