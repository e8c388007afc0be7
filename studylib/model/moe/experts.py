"""The experts of one layer: their weights, and what they compute for the tokens sent to them."""

from __future__ import annotations

import torch
from torch import nn

from studylib.model.mlp import activated
from studylib.model.moe.dispatch import (
    block_products,
    gather_rows,
    grouped_products,
    has_grouped_kernel,
    scatter_rows,
)
from studylib.parallel import differentiable_all_reduce_sum, differentiable_identity, dist, split_parameter
from studylib.registry import ACTIVATIONS
from studylib.spec import ModelSpec


class Experts(nn.Module):
    """``down(activation(up(x)))`` for each expert; gate and up share one matrix when the activation is gated.

    Over tensor-parallel ranks either every expert is cut along its intermediate size, or, with ``expert_parallel``, each rank
    has some experts whole. Either way a rank computes a part of each token's sum, and the parts are added up.
    """

    def __init__(self, model: ModelSpec, tp_pg: dist.ProcessGroup, *, expert_parallel: bool = False):
        super().__init__()
        experts, size, ranks = model.moe.experts, model.expert_size, tp_pg.size()
        self.tp_pg = tp_pg
        self.experts = experts
        self.activation, self.gated = ACTIVATIONS[model.activation](model).build(), model.gated
        chunks = (size,) * (2 if self.gated else 1)
        if expert_parallel:
            mine = experts // ranks
            self.first = dist.get_rank(tp_pg) * mine
            up, down = (mine, sum(chunks), model.hidden_size), (mine, model.hidden_size, size)
            self.gate_up_proj = split_parameter(torch.empty(up), 0, tp_pg)
            self.down_proj = split_parameter(torch.empty(down), 0, tp_pg)
        else:
            mine, self.first = experts, 0
            up, down = (mine, sum(chunks) // ranks, model.hidden_size), (mine, model.hidden_size, size // ranks)
            self.gate_up_proj = split_parameter(torch.empty(up), 1, tp_pg, chunks=chunks)
            self.down_proj = split_parameter(torch.empty(down), 2, tp_pg)
        self.last = self.first + mine

    def forward(
        self, x: torch.Tensor, weights: torch.Tensor, chosen: torch.Tensor, counts: torch.Tensor
    ) -> torch.Tensor:
        """Tokens [tokens, hidden] to the weighted sums of what their experts make of them, the same shape.

        ``weights`` and ``chosen`` are [tokens, experts_per_token]; ``counts`` [experts] says how often each was chosen.
        """
        # Each rank sees only its part of what tokens and weights lead to, so their gradients are parts as well.
        x, weights = differentiable_identity(x, self.tp_pg), differentiable_identity(weights, self.tp_pg)
        return differentiable_all_reduce_sum(self._part(x, weights, chosen, counts), self.tp_pg)

    def _part(self, x: torch.Tensor, weights: torch.Tensor, chosen: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))  # once, instead of for each expert
        whole = self.last - self.first == self.experts
        order = torch.argsort(chosen.flatten(), stable=True)
        if whole and self._has_kernel(x):
            made = self._grouped(gather_rows(x, order, chosen.shape[1]), counts)
        else:
            made, order = self._in_blocks(x, order, counts, chosen.shape[1])
        spread = scatter_rows(made, order, chosen.numel()).view(*chosen.shape, -1)
        return (spread * weights.unsqueeze(-1).to(spread.dtype)).sum(dim=1)

    def _has_kernel(self, x: torch.Tensor) -> bool:
        sizes = (*self.gate_up_proj.shape[1:], *self.down_proj.shape[1:])
        return x.dtype == torch.bfloat16 and has_grouped_kernel(x.device, *sizes)

    @torch.compiler.disable  # one library call an expert matrix: nothing to gain, and not every back-end of the compiler has it
    def _grouped(self, rows: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        ends = counts.cumsum(0).to(torch.int32)
        wide = grouped_products(rows, self.gate_up_proj, ends)
        return grouped_products(self._activated(wide), self.down_proj, ends)

    @torch.compiler.disable  # the sizes differ in every step: a compiler would compile for each
    def _in_blocks(
        self, x: torch.Tensor, order: torch.Tensor, counts: torch.Tensor, copies: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        rows_of = counts.tolist()
        start = sum(rows_of[: self.first])
        rows_of = rows_of[self.first : self.last]
        order = order[start : start + sum(rows_of)]
        wide = block_products(gather_rows(x, order, copies), self.gate_up_proj, rows_of)
        return block_products(self._activated(wide), self.down_proj, rows_of), order

    def _activated(self, wide: torch.Tensor) -> torch.Tensor:
        return activated(wide, self.activation, gated=self.gated)
