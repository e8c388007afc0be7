"""The router: which experts a token goes to, and how much each counts."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from studylib.choices.precision import at_least_fp32
from studylib.spec import MoESpec


class Router(nn.Module):
    """One linear map in fp32 whatever the autocast type, a softmax over all experts, and the best few.

    The chosen ones' probabilities are scaled to sum 1 (as in Mixtral, arXiv 2401.04088). A single one keeps its
    probability as its weight (as in Switch, arXiv 2101.03961), because 1 would tell the router nothing.

    Every tensor-parallel rank has the whole router and computes the same.
    """

    def __init__(self, hidden_size: int, moe: MoESpec):
        super().__init__()
        self.experts_per_token = moe.experts_per_token
        self.weight = nn.Parameter(torch.empty(moe.experts, hidden_size))

    def forward(self, hidden_states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """[batch, seq, hidden] to logits [batch, seq, experts], and of the chosen experts: weights and indices [batch, seq, k]."""
        with torch.autocast(hidden_states.device.type, enabled=False):
            logits = F.linear(at_least_fp32(hidden_states), at_least_fp32(self.weight))
        best, chosen = torch.softmax(logits, dim=-1).topk(self.experts_per_token, dim=-1)
        if self.experts_per_token > 1:
            best = best / best.sum(dim=-1, keepdim=True)
        return logits, best, chosen
