"""torch's scaled_dot_product_attention, which picks its own kernel; the only one of them that reads every kind of mask."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from studylib.choices.attend import Backend, repeat_kv, visible_keys
from studylib.choices.pattern import Pattern

__all__ = ["ScaledDotProduct"]


class ScaledDotProduct(Backend):
    """``kernel`` None leaves the choice to torch. Only some kernels read a mask."""

    kernel: ClassVar[SDPBackend | None] = None
    devices: ClassVar[tuple[str, ...]] = ("cpu", "cuda")
    takes: ClassVar[tuple[str, ...]] = ("bias", "prefix_len", "begin", "pattern")

    def unusable(self, device: str) -> str:
        return "" if device in self.devices else f"is torch's kernel for {' and '.join(self.devices)}, not for {device}"

    def attend(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor | None,
        prefix_len: torch.Tensor | None, begin: torch.Tensor | None, pattern: Pattern | None,
    ) -> torch.Tensor:  # fmt: skip
        mask = None
        if any(one is not None for one in (bias, prefix_len, begin, pattern)):
            mask = visible_keys(query.shape[-2], query.device, prefix_len, begin, pattern)
            if bias is not None:
                mask = torch.zeros((), device=query.device).where(mask, -torch.inf) + bias
                mask = mask.to(query.dtype)
        heads = query.shape[1]
        key, value = repeat_kv(key, heads), repeat_kv(value, heads)
        if self.kernel is None:
            return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=mask is None)
        with sdpa_kernel(self.kernel):
            return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=mask is None)
