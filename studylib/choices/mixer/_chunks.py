"""How the recurrent mixers cut a sequence into chunks, and what that costs. No torch: plans count with it."""

from __future__ import annotations

# Longest chunks, in positions: at 256 the fastest of 16, 32, 64 and 128, and of 16, 32 and 64, on an AVX-512 core.
LINEAR_CHUNK = 32
# The decay of RWKV-7 is at least exp(-0.61) a position, so within 16 positions fp32 holds it and its inverse.
DELTA_CHUNK = 16


def chunks_of(length: int, longest: int) -> tuple[int, int]:
    """Number and size of equal chunks of at most ``longest`` positions that cover ``length``; the last may be padded."""
    number = -(-length // longest)
    return number, -(-length // number)


def linear_attention_flops(length: int, heads: int, key_size: int, value_size: int, *, shared_key: bool) -> float:
    """Forward FLOPs a token of ``linear_attention``'s matrix products; the causal half is not deducted.

    Inside a chunk: scores, and their product with the values. Between chunks: what a chunk adds to the state, and what
    the next reads from it; neither happens in a sequence of one chunk.
    """
    number, size = chunks_of(length, LINEAR_CHUNK)
    within = 2 * size * (key_size * (1 if shared_key else heads) + value_size * heads)
    states = 2 * 2 * heads * key_size * value_size
    return size * (number * within + (number - 1) * states) / length


def delta_rule_flops(length: int, heads: int, head_dim: int) -> float:
    """Forward FLOPs a token of ``delta_rule``'s matrix products.

    As torch counts, the triangular solves are left out, but not the product in their backward pass; it is the third of
    twice its FLOPs here, because training FLOPs are three times these.
    """
    number, size = chunks_of(length, DELTA_CHUNK)
    within = 2 * head_dim * size * size * (4 + 1 + 2 + 2 / 3)
    state = 2 * head_dim * head_dim * 2 * size
    read = 2 * head_dim * size * (size + head_dim)
    through = 2 * head_dim * head_dim * (size + head_dim)
    return heads * (number * within + (number - 1) * (state + read) + max(number - 2, 0) * through) / length
