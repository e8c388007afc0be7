"""The kernels of flash-linear-attention (package fla-core, Triton) in place of the chunked torch code, on a GPU.

They take [batch, seq, heads, size] as ours do, and keep decays and state in fp32. ``tests/model/test_mixers.py`` compares
them with ours, marked ``gpu``.
"""

from __future__ import annotations

import importlib.util

import torch
from torch.torch_version import TorchVersion

from studylib.errors import invalid

_asked = False


def use_fla(on: bool, *cores: str) -> None:
    """Compute recurrent mixers of this process on CUDA tensors with fla-core's kernels, or with torch again.

    Raises
    ------
    StudyError
        fla-core is not installed, or has no right kernel here for one of ``cores`` (see `problem`).
    """
    global _asked
    if on and (why := problem(*cores)):
        raise invalid("compute.mixer_kernels", "fla", why, choices=["torch"])
    _asked = on


def problem(*cores: str) -> str:
    """Why the kernels for ``cores`` (functions of this module) must not be used on this machine; empty if they may."""
    if importlib.util.find_spec("fla") is None:
        return "needs the package fla-core (with its cuda extra)"
    if "linear_attention" in cores and torch.cuda.is_available() and torch.cuda.get_device_capability()[0] == 9:
        import triton

        # fla-core itself refuses, in the first backward pass (its issue 640); its way out by tilelang takes no fp32 state.
        if "3.4.0" <= TorchVersion(triton.__version__) < "3.7.1":
            return (
                f"has wrong gradients of linear attention (mamba2, retnet) on Hopper cards with Triton {triton.__version__}; "
                "needs Triton 3.7.1 or newer"
            )
    return ""


def uses_fla(tensor: torch.Tensor) -> bool:
    """Whether the kernels were asked for and ``tensor`` is where they run."""
    return _asked and tensor.is_cuda


def linear_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, log_decay: torch.Tensor
) -> torch.Tensor:
    """As ``studylib.choices.mixer._linear.linear_attention``; shared heads are copied to all heads."""
    from fla.ops.simple_gla import chunk_simple_gla

    dtype = _product_type(value)
    shape = value.shape[:3]
    query, key = (tensor.to(dtype).expand(*shape, -1).contiguous() for tensor in (query, key))
    decay = log_decay.float().expand(shape).contiguous()
    return chunk_simple_gla(query, key, value.to(dtype).contiguous(), g=decay, scale=1.0)[0]


def delta_rule(
    receptance: torch.Tensor,
    log_decay: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    removal: torch.Tensor,
    replacement: torch.Tensor,
) -> torch.Tensor:
    """As ``studylib.choices.mixer._delta.delta_rule``, with products in autocast's type."""
    from fla.ops.rwkv7 import chunk_rwkv7

    dtype = _product_type(value)
    r, k, v, a, b = (tensor.to(dtype).contiguous() for tensor in (receptance, key, value, removal, replacement))
    mixed, _ = chunk_rwkv7(r=r, w=log_decay.float().contiguous(), k=k, v=v, a=a, b=b, scale=1.0)
    return mixed.float()


def _product_type(tensor: torch.Tensor) -> torch.dtype:
    return torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else tensor.dtype
