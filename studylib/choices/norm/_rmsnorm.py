"""Root-mean-square normalisation in torch."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from studylib.choices.precision import at_least_fp32

EPS = 1e-6


class RMSNorm(nn.Module):
    """``x / rms(x) * weight`` over the last dimension, in fp32 whatever the autocast type."""

    def __init__(self, size: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(at_least_fp32(hidden_states), self.weight.shape, self.weight, EPS)
