"""Linear attention with one decay a head and position, in chunks: the core of Mamba-2 and of RetNet.

The recurrence ``S_t = exp(g_t) S_{t-1} + k_t v_t^T``, ``o_t = q_t S_t`` is computed as in SSD (Dao and Gu 2024, arXiv
2405.21060, section 6) and in the chunkwise form of retention (Sun et al. 2023, arXiv 2307.08621, equation 7): inside a
chunk as masked attention, between chunks through the state, so that nearly all work is matrix products.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from studylib.choices.mixer import _fla
from studylib.choices.mixer._chunks import LINEAR_CHUNK, chunks_of
from studylib.choices.past import Past
from studylib.choices.precision import at_least_fp32


def linear_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, log_decay: torch.Tensor, past: Past | None = None
) -> torch.Tensor:
    """The outputs ``o_t``, [batch, seq, heads, value size].

    Products run in autocast's type where it is on; decays and the running state are fp32.

    Parameters
    ----------
    query, key
        [batch, seq, heads or 1, key size]; one head is shared by all heads of ``value``.
    value
        [batch, seq, heads, value size].
    log_decay
        ``g``, [batch or 1, seq, heads], fp32 and not above 0.
    past
        Keeps the state, fp32 [batch, heads, key size, value size]; without one it begins as zeros.
    """
    if past is not None:
        mixed, past.kept["state"] = _continued(query, key, value, log_decay, past.kept.get("state"))
        return mixed
    if _fla.uses_fla(value):
        return _fla.linear_attention(query, key, value, log_decay)
    length = value.shape[1]
    number, size = chunks_of(length, LINEAR_CHUNK)
    query, key, value = (_in_chunks(tensor, number, size) for tensor in (query, key, value))
    log_decay = _in_chunks(log_decay.unsqueeze(-1), number, size).squeeze(-1)
    # Double, because differences of sums are taken: after one huge decay the small ones would drown in fp32.
    held = torch.promote_types(value.dtype, torch.float32)
    until = log_decay.double().cumsum(dim=-1)
    between = (until.unsqueeze(-1) - until.unsqueeze(-2)).to(held)
    later = torch.full((size, size), -torch.inf, device=value.device).triu(1)
    within = torch.exp(between + later)
    mixed = ((query @ key.transpose(-1, -2)) * within) @ value
    if number > 1:
        to_end = torch.exp(until[..., -1:] - until).to(held).unsqueeze(-1)
        from_start = torch.exp(until).to(held).unsqueeze(-1)
        added = _shared_or_each(key[:, :-1].transpose(-1, -2), value[:, :-1] * to_end[:, :-1])
        states = _states(added, from_start[:, :-1, :, -1:])
        earlier = _shared_or_each(query[:, 1:], states) * from_start[:, 1:]
        mixed = torch.cat([mixed[:, :1], mixed[:, 1:] + earlier], dim=1)
    return mixed.transpose(2, 3).flatten(1, 2)[:, :length]


def _continued(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, log_decay: torch.Tensor, state: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """From ``state`` on: both the outputs and the last state are linear in it."""
    mixed = linear_attention(query, key, value, log_decay)
    with torch.autocast(value.device.type, enabled=False):
        query, key, value = at_least_fp32(query), at_least_fp32(key), at_least_fp32(value)
        until = log_decay.double().cumsum(dim=1)
        from_start, to_end = (torch.exp(x).to(value.dtype).unsqueeze(-1) for x in (until, until[:, -1:] - until))
        added = torch.einsum("bthk,bthv->bhkv", key * to_end, value)
        if state is None:
            return mixed, added
        earlier = torch.einsum("bthk,bhkv->bthv", query * from_start, state)
        return mixed + earlier, state * from_start[:, -1].unsqueeze(-1) + added


def _in_chunks(tensor: torch.Tensor, number: int, size: int) -> torch.Tensor:
    """[batch, seq, heads, n] to [batch, chunks, heads, size, n], filled up with zeros: no key, no value, no decay."""
    tensor = F.pad(tensor, (0, 0, 0, 0, 0, number * size - tensor.shape[1]))
    return tensor.unflatten(1, (number, size)).transpose(2, 3)


def _shared_or_each(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """``left @ right`` over [..., heads, n, m]; where ``left`` has one head, all heads are columns of one product."""
    heads = right.shape[2]
    if left.shape[2] == heads:
        return left @ right
    wide = left.squeeze(2) @ right.transpose(2, 3).flatten(3)
    return wide.unflatten(3, (heads, -1)).transpose(2, 3)


def _states(added: torch.Tensor, decay: torch.Tensor) -> torch.Tensor:
    """The state after each chunk, [batch, chunks, heads, key size, value size], fp32."""
    state = at_least_fp32(added[:, 0])
    states = [state]
    for chunk in range(1, added.shape[1]):
        state = state * decay[:, chunk] + added[:, chunk]
        states.append(state)
    return torch.stack(states, dim=1)
