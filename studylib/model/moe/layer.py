"""A mixture of experts where a dense decoder layer has its feed-forward network."""

from __future__ import annotations

import torch
from torch import nn

from studylib.choices.declare import declare, scale_matrices
from studylib.model.mlp import MLP
from studylib.model.moe.auxiliary import load_balancing_loss, router_z_loss, with_auxiliary_loss
from studylib.model.moe.experts import Experts
from studylib.model.moe.router import Router
from studylib.parallel import dist
from studylib.spec import ModelSpec


class MoE(nn.Module):
    """Routed experts and, if there are any, shared ones beside them (DeepSeekMoE, arXiv 2401.06066).

    ``load`` counts the tokens that each expert got, int64 [experts], until someone sets it to zero; it is no part of a
    checkpoint.
    """

    def __init__(self, model: ModelSpec, tp_pg: dist.ProcessGroup, *, expert_parallel: bool = False):
        super().__init__()
        moe = model.moe
        self.balance_loss, self.z_loss = moe.balance_loss, moe.z_loss
        self.router = Router(model.hidden_size, moe)
        self.experts = Experts(model, tp_pg, expert_parallel=expert_parallel)
        self.shared = MLP(model, tp_pg, size=moe.shared_experts * model.expert_size) if moe.shared_experts else None
        self.register_buffer("load", torch.zeros(moe.experts, dtype=torch.int64), persistent=False)

    def scale_start(self, gain: float) -> None:
        """For residual connections with start values of their own: the experts are a branch's matrices, the router is not."""
        for parameter in self.experts.parameters():
            declare(parameter, gain=gain)
        if self.shared is not None:
            scale_matrices(self.shared, gain)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """[batch, seq, hidden] to the same."""
        logits, weights, chosen = self.router(hidden_states)
        counts_BE = tokens_of_experts(chosen, len(self.load))
        counts = counts_BE.sum(dim=0)
        self.load += counts
        routed = self.experts(hidden_states.flatten(0, 1), weights.flatten(0, 1), chosen.flatten(0, 1), counts)
        mixed = routed.view(hidden_states.shape)
        if self.shared is not None:
            mixed = mixed + self.shared(hidden_states)
        if not torch.is_grad_enabled():
            return mixed
        balance = load_balancing_loss(torch.softmax(logits, dim=-1), counts_BE)
        return with_auxiliary_loss(mixed, self.balance_loss * balance + self.z_loss * router_z_loss(logits))


def tokens_of_experts(chosen: torch.Tensor, experts: int) -> torch.Tensor:
    """Of each sequence, how many tokens go to each expert: [batch, seq, experts_per_token] to int64 [batch, experts].

    ``bincount`` would make the host wait for a GPU.
    """
    counts = torch.zeros(len(chosen), experts, dtype=torch.int64, device=chosen.device)
    return counts.scatter_add_(1, chosen.flatten(1), torch.ones_like(chosen.flatten(1)))
