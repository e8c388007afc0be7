"""Written out: every score, the mask, an fp32 softmax. The reference for the others, and the slowest."""

from __future__ import annotations

from typing import ClassVar

import torch

from studylib.choices.attend import Backend, repeat_kv, visible_keys
from studylib.choices.pattern import Pattern
from studylib.choices.precision import at_least_fp32

__all__ = ["Math"]


class Math(Backend):
    takes: ClassVar[tuple[str, ...]] = ("bias", "prefix_len", "begin", "pattern")

    def attend(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor | None,
        prefix_len: torch.Tensor | None, begin: torch.Tensor | None, pattern: Pattern | None,
    ) -> torch.Tensor:  # fmt: skip
        heads, length = query.shape[1], query.shape[-2]
        scores = at_least_fp32(query * query.shape[-1] ** -0.5 @ repeat_kv(key, heads).transpose(-1, -2))
        if bias is not None:
            scores = scores + bias
        seen = visible_keys(length, query.device, prefix_len, begin, pattern)
        probabilities = torch.softmax(scores.masked_fill(~seen, -torch.inf), dim=-1)
        return probabilities.to(value.dtype) @ repeat_kv(value, heads)
