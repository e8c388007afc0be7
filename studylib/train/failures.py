"""Telling failures apart."""

from __future__ import annotations


def is_out_of_memory(error: BaseException) -> bool:
    """Python's, CUDA's and torch's CPU allocator each say it in their own way."""
    import torch

    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error).lower()
