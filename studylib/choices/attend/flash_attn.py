"""The flash-attn package (Dao 2023, arXiv 2307.08691), where it is installed: half precision on a GPU, windows included.

Not run where this was written, which had no GPU; ``tests/model/test_attend.py`` holds it against ``math`` where there is one.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import ClassVar

import torch

from studylib.choices.attend import Backend
from studylib.choices.pattern import Pattern

__all__ = ["FlashAttention"]


class FlashAttention(Backend):
    takes: ClassVar[tuple[str, ...]] = ("pattern",)

    def unusable(self, device: str) -> str:
        if device != "cuda":
            return "runs on a GPU only"
        return "" if find_spec("flash_attn") is not None else "is not installed (pip install 'studylib[flash-attn]')"

    def problem(self, device: str, **asked) -> str:
        pattern = asked.get("pattern")
        if pattern is not None and pattern.sparse and not pattern.is_window:
            return "knows no sparse pattern but sliding_window without global tokens"
        return super().problem(device, **asked)

    def attend(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor | None,
        prefix_len: torch.Tensor | None, begin: torch.Tensor | None, pattern: Pattern | None,
    ) -> torch.Tensor:  # fmt: skip
        from flash_attn import flash_attn_func

        half = query.dtype if query.dtype in (torch.bfloat16, torch.float16) else torch.bfloat16
        window = (-1, -1) if pattern is None else (pattern.window - 1, 0)
        # its layout is [batch, seq, heads, head_dim]
        query_BTHD, key_BTHD, value_BTHD = (x.transpose(1, 2).to(half) for x in (query, key, value))
        mixed = flash_attn_func(query_BTHD, key_BTHD, value_BTHD, causal=True, window_size=window)
        return mixed.transpose(1, 2).to(query.dtype)
