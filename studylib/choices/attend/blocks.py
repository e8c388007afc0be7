"""In blocks of queries, each against the keys it can see: for CPUs.

torch's fused kernel is slow on CPUs (backward above all): dense attention in blocks took a third of its time compiled and
two thirds eager at 256 tokens (see LOG.md). Sparse patterns compute little more than what they read. Not compiled, dense
attention has its backward pass written out: autograd's costs as much again in small operations as the products themselves.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, ClassVar

import torch
from torch.nn import functional as F

from studylib.choices.attend import Backend, repeat_kv
from studylib.choices.pattern import Pattern
from studylib.choices.precision import at_least_fp32
from studylib.registry import ATTENTION_PATTERNS

__all__ = ["Blocks"]

DENSE_BLOCK = ATTENTION_PATTERNS["dense"].block
# A product with fewer columns than a vector register has numbers takes three times as long as its transpose.
_NARROW = 16


class Blocks(Backend):
    takes: ClassVar[tuple[str, ...]] = ("bias", "prefix_len", "begin", "pattern")

    def problem(self, device: str, **asked) -> str:
        pattern = asked.get("pattern")
        for name in ("prefix_len", "begin"):
            if asked.get(name) and pattern is not None and pattern.sparse:
                return f"does not take {name} with a sparse pattern"
        return super().problem(device, **asked)

    def attend(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor | None,
        prefix_len: torch.Tensor | None, begin: torch.Tensor | None, pattern: Pattern | None,
    ) -> torch.Tensor:  # fmt: skip
        key, value = repeat_kv(key, query.shape[1]), repeat_kv(value, query.shape[1])
        if pattern is None and not torch.compiler.is_compiling():
            return _WrittenOut.apply(query, key, value, bias, prefix_len, begin)
        query = query * query.shape[-1] ** -0.5
        if pattern is None:
            return _dense(query, key, value, bias, prefix_len, begin)
        return _sparse(query, key, value, bias, pattern)


def _dense(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor | None,
    prefix_len: torch.Tensor | None, begin: torch.Tensor | None,
) -> torch.Tensor:  # fmt: skip
    length, mixed = query.shape[-2], []
    for start in range(0, length, DENSE_BLOCK):
        stop = min(start + DENSE_BLOCK, length)
        end = stop if prefix_len is None else length  # a prefix may reach beyond the block
        scores = at_least_fp32(query[..., start:stop, :] @ key[..., :end, :].transpose(-1, -2))
        later = torch.full((stop - start, end), -torch.inf, dtype=scores.dtype, device=query.device).triu(start + 1)
        added = _added(later, start, stop, bias, prefix_len, begin)
        mixed.append(torch.softmax(scores + added, dim=-1).to(value.dtype) @ value[..., :end, :])
    return torch.cat(mixed, dim=-2) if len(mixed) > 1 else mixed[0]


class _WrittenOut(torch.autograd.Function):
    """`_dense` of queries that are not scaled yet, with its gradients."""

    @staticmethod
    def forward(
        ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor | None,
        prefix_len: torch.Tensor | None, begin: torch.Tensor | None,
    ) -> torch.Tensor:  # fmt: skip
        length, scale = query.shape[-2], query.shape[-1] ** -0.5
        q, k, v = (x.flatten(0, 1) for x in (query, key, value))  # [batch * heads, seq, head_dim]
        mixed, kept = [], []
        for start in range(0, length, DENSE_BLOCK):
            stop = min(start + DENSE_BLOCK, length)
            end = stop if prefix_len is None else length
            later = _later(stop - start, end, start, torch.promote_types(query.dtype, torch.float32), query.device)
            added = _added(later, start, stop, bias, prefix_len, begin)
            if added.ndim > 2:
                added = added.expand(*query.shape[:2], -1, -1).flatten(0, 1)
            scores = _scores(q[:, start:stop] * scale, k[:, :end], added)
            kept.append(torch.softmax(scores, dim=-1))
            mixed.append(_product(kept[-1].to(v.dtype), v[:, :end]))
        ctx.save_for_backward(q, k, v, *kept)
        ctx.heads = query.shape[1]
        # In its usual order in memory: how torch multiplies by a weight behind it would else depend on whether that one has a gradient.
        return _joined(mixed).contiguous().unflatten(0, query.shape[:2])

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        q, k, v, *kept = ctx.saved_tensors
        g, scale, start = upstream.flatten(0, 1), q.shape[-1] ** -0.5, 0
        of_query, of_key, of_value, of_bias = [], [], [], []
        for probabilities in kept:
            stop, end = start + probabilities.shape[-2], probabilities.shape[-1]
            own = g[:, start:stop]
            slope = at_least_fp32(own @ v[:, :end].mT)
            slope = torch._softmax_backward_data(slope, probabilities, -1, slope.dtype)
            if ctx.needs_input_grad[3]:
                of_heads = slope.unflatten(0, (-1, ctx.heads)).sum(0)
                of_bias.append(F.pad(of_heads, (0, k.shape[-2] - end)))
            slope = slope.to(q.dtype)
            of_query.append(_product(slope, k[:, :end]))
            of_key.append(_product(slope.mT, q[:, start:stop]))
            of_value.append(_product(probabilities.to(v.dtype).mT, own))
            start = stop
        found = _joined(of_query).mul_(scale), _summed(of_key).mul_(scale), _summed(of_value)
        found = (x.unflatten(0, (-1, ctx.heads)) for x in found)
        return *found, _joined(of_bias) if of_bias else None, None, None


def _scores(query: torch.Tensor, key: torch.Tensor, added: torch.Tensor) -> torch.Tensor:
    if query.dtype == added.dtype:
        return torch.baddbmm(added, query, key.mT)
    return at_least_fp32(query @ key.mT) + added


def _added(
    later: torch.Tensor, start: int, stop: int, bias: torch.Tensor | None, prefix_len: torch.Tensor | None,
    begin: torch.Tensor | None,
) -> torch.Tensor:  # fmt: skip
    """What is added to the scores of the queries from ``start`` to ``stop``, broadcast over [batch, heads, queries, keys].

    ``later`` [queries, keys] is minus infinity where a key is later than a query, else 0.
    """
    end = later.shape[-1]
    if prefix_len is not None:
        inside = torch.arange(end, device=later.device) < prefix_len[:, None]
        later = later.masked_fill((inside[:, start:stop, None] & inside[:, None, :])[:, None], 0.0)
    if begin is not None:
        other = begin[:, start:stop, None] != begin[:, None, :end]
        later = later.masked_fill(other[:, None], -torch.inf)
    return later if bias is None else later + bias[:, start:stop, :end]


@lru_cache(maxsize=64)  # all layers have the same, and no one writes into them
def _later(queries: int, keys: int, first: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Minus infinity where a key is later than a query, [queries, keys]; the first query is at position ``first``."""
    return torch.full((queries, keys), -torch.inf, dtype=dtype, device=device).triu(first + 1)


def _product(weights: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    return weights @ values if values.shape[-1] >= _NARROW else (values.mT @ weights.mT).mT


def _joined(blocks: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat(blocks, dim=-2) if len(blocks) > 1 else blocks[0]


def _summed(blocks: list[torch.Tensor]) -> torch.Tensor:
    """Blocks over the first keys, the last one over all."""
    *others, total = blocks
    for block in others:
        total[:, : block.shape[-2]] += block
    return total


def _sparse(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor | None, pattern: Pattern
) -> torch.Tensor:
    """All blocks of queries at once, each against a row of gathered blocks of keys; with a stride, each class as well."""
    length, size, fold = query.shape[-2], pattern.block, pattern.fold
    more = -length % math.lcm(size * fold, pattern.stride or 1)
    # What is put behind is later than every query, so nobody reads it.
    query, key, value = (F.pad(x, (0, 0, 0, more)) for x in (query, key, value))
    bias = None if bias is None else F.pad(bias, (0, more, 0, more))
    number = torch.arange(query.shape[-2] // (size * fold), device=query.device)
    chosen, counts = _key_blocks(number, pattern)
    place = torch.arange(size, device=query.device)
    queries = (number[:, None] * size + place)[:, :, None]
    keys = (chosen[:, :, None] * size + place).flatten(1)[:, None, :]
    seen = pattern.visible(queries, keys) & counts.repeat_interleave(size, dim=1)[:, None, :]
    if pattern.stride:  # beyond the window it is left to the classes
        seen = seen & (queries - keys < pattern.window)
    queries_CN, keys_CN, values_CN = (_in_classes(x, fold).unflatten(3, (-1, size)) for x in (query, key, value))
    scores = at_least_fp32(queries_CN @ _gathered(keys_CN, chosen, pattern).transpose(-1, -2))
    if bias is not None:
        offset = torch.arange(fold, device=query.device)[:, None, None, None]
        scores = scores + bias[:, queries * fold + offset, keys.clamp(min=0) * fold + offset]
    scores = scores.masked_fill(~seen, -torch.inf)
    values_CN = _gathered(values_CN, chosen, pattern)
    if pattern.stride:
        far = _class_scores(query, key, bias, pattern)
        return _mixed_with_classes(scores, values_CN, far, _in_classes(value, pattern.stride))[:, :, :length]
    mixed = torch.softmax(scores, dim=-1).to(value.dtype) @ values_CN
    return _in_order(mixed.flatten(-3, -2))[:, :, :length]


def _mixed_with_classes(
    near: torch.Tensor, near_values: torch.Tensor, far: torch.Tensor, far_values: torch.Tensor
) -> torch.Tensor:
    """One softmax over what each query reads in blocks and in its class, [batch, heads, seq, head_dim].

    Scores and values of the blocks are [batch, heads, 1, blocks, size, columns] and [..., blocks, columns, head_dim], those of
    the classes [batch, heads, stride, seq / stride, seq / stride] and [..., seq / stride, head_dim].
    """
    size, stride = near.shape[-2], far.shape[2]
    near, far = _in_order(near.flatten(-3, -2)), _in_order(far)
    probabilities = torch.softmax(torch.cat([near, far], dim=-1), dim=-1).to(near_values.dtype)
    near, far = probabilities.split([near.shape[-1], far.shape[-1]], dim=-1)
    mixed = near.unflatten(2, (-1, size)) @ near_values.squeeze(2)
    return mixed.flatten(2, 3) + _in_order(_in_classes(far, stride) @ far_values)


def _class_scores(query: torch.Tensor, key: torch.Tensor, bias: torch.Tensor | None, pattern: Pattern) -> torch.Tensor:
    """Of each position with those of its class (position modulo the stride) before the window.

    [batch, heads, stride, seq / stride, seq / stride], fp32.
    """
    stride = pattern.stride
    queries, keys = _in_classes(query, stride), _in_classes(key, stride)
    scores = at_least_fp32(queries @ keys.transpose(-1, -2))
    place = torch.arange(scores.shape[-1], device=query.device)
    if bias is not None:
        at = place * stride + torch.arange(stride, device=query.device)[:, None]
        scores = scores + bias[:, at[:, :, None], at[:, None, :]]
    return scores.masked_fill((place[:, None] - place) * stride < pattern.window, -torch.inf)


def _in_classes(x: torch.Tensor, classes: int) -> torch.Tensor:
    """[batch, heads, seq, n] to [batch, heads, classes, seq / classes, n]."""
    return x.unflatten(2, (-1, classes)).transpose(2, 3)


def _in_order(x: torch.Tensor) -> torch.Tensor:
    """Back from ``_in_classes``."""
    return x.transpose(2, 3).flatten(2, 3)


def _key_blocks(number: torch.Tensor, pattern: Pattern) -> tuple[torch.Tensor, torch.Tensor]:
    """The blocks of keys for each block of queries, [blocks, columns], and whether a column counts there.

    Those before the beginning do not count, nor those that are there a second time.
    """
    near = [number - back for back in reversed(range(pattern.near_blocks()))]
    first = [torch.full_like(number, index) for index in range(pattern.first_blocks())]
    chosen = torch.stack([*near, *first, *pattern.drawn_blocks(number)], dim=-1)
    again = (chosen[:, :, None] == chosen[:, None, :]).tril(-1).any(-1)
    return chosen, (chosen >= 0) & ~again


def _gathered(x: torch.Tensor, chosen: torch.Tensor, pattern: Pattern) -> torch.Tensor:
    """Blocks [..., blocks, size, head_dim] to [..., blocks, columns * size, head_dim].

    Near blocks are shifted copies and first ones are broadcast, whose gradients are plain sums; only drawn ones need an index.
    """
    blocks, near, first = x.shape[-3], pattern.near_blocks(), pattern.first_blocks()
    before = F.pad(x, (0, 0, 0, 0, near - 1, 0))
    parts = [before[..., column : column + blocks, :, :] for column in range(near)]
    parts += [x[..., min(column, blocks - 1), :, :].unsqueeze(-3).expand_as(x) for column in range(first)]
    parts += [x.index_select(-3, chosen[:, column].clamp(min=0)) for column in range(near + first, chosen.shape[1])]
    return torch.cat(parts, dim=-2)
