"""Rotary position embedding in torch, halves rotated as in Llama."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch

from studylib.choices.position._position import LayerPosition

THETA = 10_000.0


class RotaryEmbedding(LayerPosition):
    """Rotate the first ``rotated`` entries of query and key by their position; angles are kept in fp32."""

    def __init__(self, seq_len: int, rotated: int):
        super().__init__()
        self.rotated = rotated
        cos_TD, sin_TD = rotary_tables(seq_len, rotated)
        # Not persistent: recomputed from the spec, so a checkpoint holds parameters only.
        self.register_buffer("cos", cos_TD, persistent=False)
        self.register_buffer("sin", sin_TD, persistent=False)

    def forward(
        self, query: torch.Tensor, key: torch.Tensor, first: int = 0, place: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        length = first + query.shape[-2]
        cos, sin = self.cos, self.sin
        if length > len(cos):  # longer than trained: asked for by a probe, so not kept
            cos, sin = (table.to(query.device) for table in rotary_tables(length, self.rotated))
        if place is None:
            cos, sin = cos[first:length].to(query.dtype), sin[first:length].to(query.dtype)
        else:
            cos, sin = (table.to(query.dtype)[place].unsqueeze(1) for table in (cos, sin))
        if self.rotated == query.shape[-1]:
            if query.device.type == "cpu" and not torch.compiler.is_compiling():
                return _Rotation.apply(query, key, cos, sin)
            return rotate(query, cos, sin), rotate(key, cos, sin)
        return self._part(query, cos, sin), self._part(key, cos, sin)

    def _part(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        turned, kept = x.tensor_split((self.rotated,), dim=-1)
        return torch.cat((rotate(turned, cos, sin), kept), dim=-1)


@lru_cache(maxsize=4)  # all layers have the same, and no one writes into them
def rotary_tables(length: int, head_dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines, each [length, head_dim]."""
    # numpy, because nanotron patches torch's constructors (dtype and device) while a model is being built
    import numpy

    frequencies = THETA ** (-numpy.arange(0, head_dim, 2) / head_dim)
    angles = numpy.outer(numpy.arange(length), frequencies)
    angles = numpy.concatenate([angles, angles], axis=1)
    return torch.from_numpy(numpy.cos(angles)).float(), torch.from_numpy(numpy.sin(angles)).float()


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """``x * cos + rotate_half(x) * sin`` for x [..., seq, head_dim]."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


class _Rotation(torch.autograd.Function):
    """`rotate` of query and key; composed, it and its gradient are some thirty small operations."""

    @staticmethod
    def forward(
        ctx: Any, query: torch.Tensor, key: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        ctx.save_for_backward(cos, sin)
        return _rotated(query, cos, sin), _rotated(key, cos, sin)

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        cos, sin = ctx.saved_tensors
        return *(_rotated(x, cos, -sin) for x in upstream), None, None  # back by the same angles


def _rotated(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """`rotate` in three operations."""
    half = x.shape[-1] // 2
    turned = torch.empty(x.shape, dtype=x.dtype, device=x.device)  # its strides are not those of x
    torch.mul(x, cos, out=turned)
    turned[..., :half].addcmul_(x[..., half:], sin[..., :half], value=-1)
    turned[..., half:].addcmul_(x[..., :half], sin[..., half:])
    return turned
