"""Layer normalisation in torch."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from studylib.choices.declare import declare
from studylib.choices.precision import at_least_fp32

EPS = 1e-6


class LayerNorm(nn.Module):
    def __init__(self, size: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.bias = declare(nn.Parameter(torch.zeros(size)), start=0.0)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(at_least_fp32(hidden_states), self.weight.shape, self.weight, self.bias, EPS)
