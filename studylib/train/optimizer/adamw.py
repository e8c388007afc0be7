"""AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101), torch's fused kernel."""

from __future__ import annotations

from typing import Any

import torch

from studylib.spec import OptimizerSpec

__all__ = ["adamw"]


def adamw(groups: list[dict[str, Any]], optimizer: OptimizerSpec) -> torch.optim.Optimizer:
    betas = (optimizer.beta1, optimizer.beta2)
    return torch.optim.AdamW(groups, lr=optimizer.learning_rate, betas=betas, fused=True)
