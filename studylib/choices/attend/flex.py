"""FlexAttention (Dong et al. 2024, arXiv 2412.05496): the pattern is compiled into the kernel, empty blocks are skipped.

On a CPU torch gives it no backward pass, so it serves there for the forward pass alone and says so. The GPU path was not run
where this was written; ``tests/model/test_attend.py`` holds it against ``math`` where there is a GPU.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, ClassVar

import torch
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from studylib.choices.attend import Backend
from studylib.choices.pattern import Pattern
from studylib.errors import StudyError

__all__ = ["Flex"]


class Flex(Backend):
    takes: ClassVar[tuple[str, ...]] = ("bias", "prefix_len", "begin", "pattern")

    def attend(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor | None,
        prefix_len: torch.Tensor | None, begin: torch.Tensor | None, pattern: Pattern | None,
    ) -> torch.Tensor:  # fmt: skip
        if query.device.type == "cpu":
            if torch.is_grad_enabled() and query.requires_grad:
                raise StudyError(
                    "compute.attention: flex has no backward pass on a CPU; to train there choose blocks, math or sdpa"
                )
            # torch refuses what could want a gradient, even where none is recorded
            query, key, value = query.detach(), key.detach(), value.detach()

        def add_bias(score: Any, batch: Any, head: Any, place: Any, key_place: Any) -> Any:
            return score + bias[head, place, key_place]

        return _call(query.device.type)(
            query, key, value, score_mod=None if bias is None else add_bias,
            block_mask=_block_mask(query.shape[-2], query.device, prefix_len, begin, pattern),
            enable_gqa=query.shape[1] != key.shape[1],
        )  # fmt: skip


@cache
def _call(device: str):
    # Eager, FlexAttention computes every score; on a GPU it is worth its name only when compiled.
    return torch.compile(flex_attention) if device == "cuda" else flex_attention


def _block_mask(
    length: int,
    device: torch.device,
    prefix_len: torch.Tensor | None,
    begin: torch.Tensor | None,
    pattern: Pattern | None,
) -> BlockMask:
    if begin is not None:

        def together(batch: Any, head: Any, place: Any, key_place: Any) -> Any:
            first, same = begin[batch, place], begin[batch, place] == begin[batch, key_place]
            return same & _rule(pattern)(batch, head, place - first, key_place - first)

        return create_block_mask(together, len(begin), None, length, length, device=device)
    if prefix_len is None:
        return _lasting_block_mask(length, device, pattern)

    def seen(batch: Any, head: Any, place: Any, key_place: Any) -> Any:
        inside = (place < prefix_len[batch]) & (key_place < prefix_len[batch])
        return inside | _rule(pattern)(batch, head, place, key_place)

    return create_block_mask(seen, len(prefix_len), None, length, length, device=device)


@lru_cache(maxsize=64)
def _lasting_block_mask(length: int, device: torch.device, pattern: Pattern | None) -> BlockMask:
    return create_block_mask(_rule(pattern), None, None, length, length, device=device)


def _rule(pattern: Pattern | None):
    def seen(batch: Any, head: Any, place: Any, key_place: Any) -> Any:
        return place >= key_place if pattern is None else pattern.mask(place, key_place)

    return seen
