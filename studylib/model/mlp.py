"""The feed-forward half of a layer."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from studylib.parallel import TP_MODE, TensorParallelColumnLinear, TensorParallelRowLinear, dist
from studylib.registry import ACTIVATIONS
from studylib.spec import ModelSpec


class MLP(nn.Module):
    """``down(activation(up(x)))``; gate and up share one matrix when the activation is gated."""

    def __init__(self, model: ModelSpec, tp_pg: dist.ProcessGroup, *, size: int | None = None):
        super().__init__()
        size = size or model.ffn_size
        self.activation, self.gated = ACTIVATIONS[model.activation](model).build(), model.gated
        chunks = (size,) * (2 if self.gated else 1)
        self.gate_up_proj = TensorParallelColumnLinear(
            model.hidden_size, sum(chunks), pg=tp_pg, mode=TP_MODE, bias=False, contiguous_chunks=chunks
        )
        self.down_proj = TensorParallelRowLinear(size, model.hidden_size, pg=tp_pg, mode=TP_MODE, bias=False)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """[batch, seq, hidden] to the same."""
        wide = self.gate_up_proj(hidden_states)
        return self.down_proj(activated(wide, self.activation, gated=self.gated))


def activated(wide: torch.Tensor, activation: Callable[[torch.Tensor], torch.Tensor], *, gated: bool) -> torch.Tensor:
    """[..., size] to the same; gated, of a gate and what it multiplies, [..., 2 * size], to [..., size]."""
    if not gated:
        return activation(wide)
    gate, up = wide.chunk(2, dim=-1)
    return activation(gate) * up
