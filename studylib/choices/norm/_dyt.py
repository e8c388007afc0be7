"""Dynamic Tanh in torch."""

from __future__ import annotations

import torch
from torch import nn

from studylib.choices.declare import declare


class DynamicTanh(nn.Module):
    def __init__(self, size: int, alpha: float):
        super().__init__()
        self.alpha = declare(nn.Parameter(torch.ones(1)), start=alpha)
        self.weight = nn.Parameter(torch.ones(size))
        self.bias = declare(nn.Parameter(torch.zeros(size)), start=0.0)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.alpha * hidden_states) * self.weight + self.bias
