"""Attention itself, behind one function; how it is computed is a choice (``compute.attention``)."""

from __future__ import annotations

from importlib.util import find_spec

import torch

from studylib.choices.attend import visible_keys
from studylib.choices.execution import LONGEST_IN_BLOCKS
from studylib.choices.pattern import Pattern
from studylib.choices.precision import at_least_fp32
from studylib.errors import invalid
from studylib.registry import ATTENTION_BACKENDS

# Looked up once: a compiled layer must not walk folders.
_BACKENDS = {name: ATTENTION_BACKENDS[name]() for name in ATTENTION_BACKENDS}

_HAS_FLASH_ATTN = find_spec("flash_attn") is not None


def causal_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    bias: torch.Tensor | None = None,
    prefix_len: torch.Tensor | None = None,
    begin: torch.Tensor | None = None,
    pattern: Pattern | None = None,
    backend: str = "auto",
) -> torch.Tensor:
    """``softmax(query key^T / sqrt(head_dim) + bias) value`` where no position sees a later one.

    Where there are more keys than queries, the queries are the last positions: the keys before theirs were kept
    (``studylib.choices.past``). That is written out whatever the back-end, since a few queries need no blocks.

    Parameters
    ----------
    query
        [batch, heads, seq, head_dim].
    key, value
        [batch, kv_heads, keys, head_dim]; ``heads`` is a multiple of ``kv_heads``.
    bias
        [heads, seq, keys], added to the scores.
    prefix_len
        int64 [batch]: the first positions of a row, which see each other both ways; with as many keys as queries.
    begin
        int64 [batch, seq]: where in the row the text of each position begins; texts do not see each other. With as many keys
        as queries.
    pattern
        Leaves out keys; None is dense attention.
    backend
        A name of ATTENTION_BACKENDS, or ``auto``: the fastest here that can do it.

    Returns
    -------
    Tensor
        [batch, heads, seq, head_dim].

    Raises
    ------
    StudyError
        The back-end cannot do this.
    """
    if query.shape[-2] < key.shape[-2]:
        assert prefix_len is None, "a prefix is read at once, so that its positions see each other"
        assert begin is None, "several texts in a row are read at once"
        return _over_past(query, key, value, bias, pattern)
    if backend == "auto":
        backend = fastest_backend(
            query.device.type, query.shape[-2], bias=bias is not None, prefix_len=prefix_len is not None,
            begin=begin is not None, pattern=pattern, half=query.dtype in (torch.bfloat16, torch.float16),
        )  # fmt: skip
    return _BACKENDS[backend](query, key, value, bias=bias, prefix_len=prefix_len, begin=begin, pattern=pattern)


def _over_past(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor | None, pattern: Pattern | None
) -> torch.Tensor:
    # Query heads that share a key head are rows of one product, so that no key is copied.
    length, size, groups = query.shape[-2], query.shape[-1], (key.shape[1], -1)
    grouped = (query * size**-0.5).unflatten(1, groups).flatten(2, 3)
    scores = at_least_fp32(grouped @ key.transpose(-1, -2)).unflatten(2, (-1, length)).flatten(1, 2)
    if bias is not None:
        scores = scores + bias
    if length > 1 or (pattern is not None and pattern.sparse):
        seen = visible_keys(key.shape[-2], query.device, None, None, pattern, queries=length)
        scores = scores.masked_fill(~seen, -torch.inf)
    probabilities = torch.softmax(scores, dim=-1).to(value.dtype).unflatten(1, groups).flatten(2, 3)
    return (probabilities @ value).unflatten(2, (-1, length)).flatten(1, 2)


def fastest_backend(
    device: str, length: int, *, bias: bool = False, prefix_len: bool = False, begin: bool = False,
    pattern: Pattern | None = None, half: bool = True,
) -> str:  # fmt: skip
    """The back-end that ``auto`` means. ``half``: computed in bfloat16 or float16."""
    sparse = pattern is not None and pattern.sparse
    if sparse:
        if prefix_len or (begin and device == "cpu"):
            return "sdpa"
        return "flex" if device == "cuda" else "blocks"
    if device == "cuda":
        return "flash_attn" if _HAS_FLASH_ATTN and half and not (bias or prefix_len or begin) else "sdpa"
    return "blocks" if length <= LONGEST_IN_BLOCKS else "sdpa"


def check_backend(
    name: str, device: str, *, prefix_len: bool = False, begin: bool = False, pattern: Pattern | None = None
) -> None:
    """Refuse a back-end that cannot serve, before anything is built.

    Raises
    ------
    StudyError
        It cannot run on ``device`` here, or not with ``pattern``, prefixes or several texts in a row; the message lists those that can.
    """
    if name == "auto":
        return
    asked = {"prefix_len": prefix_len, "begin": begin, "pattern": pattern}
    if why := _BACKENDS[name].problem(device, **asked):
        can = [other for other, backend in _BACKENDS.items() if not backend.problem(device, **asked)]
        raise invalid("compute.attention", name, why, choices=["auto", *can])
