"""What must not be computed in half precision."""

from __future__ import annotations

import torch


def at_least_fp32(tensor: torch.Tensor) -> torch.Tensor:
    """fp32 whatever autocast made of it; fp64 stays, so that a trial in double precision is one throughout."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
