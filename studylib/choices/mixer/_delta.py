"""The generalised delta rule of RWKV-7 (Peng et al. 2025, arXiv 2503.14456, equation 17), in chunks.

The state follows ``S_t = S_{t-1} diag(w_t) + (S_{t-1} a_t) b_t^T + v_t k_t^T`` and is read as ``o_t = S_t r_t``. With
``u_t = S_{t-1} a_t`` every chunk is linear in its first state: ``u`` solves a unit triangular system, and one matrix
takes a chunk's first state to its last. All of that is computed for all chunks at once; only the product of these
matrices goes through the chunks in turn.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from studylib.choices.mixer import _fla
from studylib.choices.mixer._chunks import DELTA_CHUNK, chunks_of
from studylib.choices.past import Past
from studylib.choices.precision import at_least_fp32


def delta_rule(
    receptance: torch.Tensor,
    log_decay: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    removal: torch.Tensor,
    replacement: torch.Tensor,
    past: Past | None = None,
) -> torch.Tensor:
    """The outputs ``o_t``, fp32, from tensors of one shape [batch, seq, heads, head_dim]; all is computed in fp32.

    Parameters
    ----------
    receptance, key, value
        ``r``, ``k`` and ``v`` of the recurrence.
    log_decay
        ``log w``, between -0.61 and 0: chunks divide by their decays, so fp32 must hold the inverse.
    removal, replacement
        ``a`` and ``b``; RWKV-7 has ``a = -kappa`` and ``b = kappa * rate`` with a normalised removal key kappa.
    past
        Keeps the state, [batch, heads, head_dim, head_dim]; without one it begins as zeros.
    """
    if past is not None:
        tensors = (receptance, log_decay, key, value, removal, replacement)
        mixed, past.kept["state"] = _recurrent(*map(at_least_fp32, tensors), past.kept.get("state"))
        return mixed
    if _fla.uses_fla(value):
        return _fla.delta_rule(receptance, log_decay, key, value, removal, replacement)
    with torch.autocast(value.device.type, enabled=False):
        length, size = value.shape[1], value.shape[-1]
        number, positions = chunks_of(length, DELTA_CHUNK)
        tensors = (receptance, log_decay, key, value, removal, replacement)
        r, g, k, v, a, b = (_in_chunks(at_least_fp32(tensor), number, positions) for tensor in tensors)
        until = g.cumsum(dim=-2)
        from_start, inverse = torch.exp(until), torch.exp(-until)
        # Removal reads the state before its own position's decay.
        r, a = r * from_start, a * torch.exp(until - g)
        sources = torch.cat([b * inverse, k * inverse], dim=-2)
        scores = torch.cat([a, r], dim=-2) @ sources.transpose(-1, -2)
        to_a, to_r = scores.split(positions, dim=-2)
        a_from_b, a_from_k = to_a.tril(-1)[..., :positions], to_a.tril(-1 + positions)[..., positions:]
        to_r = torch.cat([to_r[..., :positions].tril(), to_r[..., positions:].tril()], dim=-1)
        identity = torch.eye(positions, dtype=v.dtype, device=v.device)
        solved = torch.linalg.solve_triangular(
            identity - a_from_b, torch.cat([a_from_k @ v, a], dim=-1), upper=False, unitriangular=True
        )
        u, u_from_state = solved.split(size, dim=-1)
        values = torch.cat([u, v], dim=-2)
        mixed = to_r @ values
        if number > 1:
            decay = from_start[:, :, :, -1:]
            to_end = (sources * decay)[:, :-1].transpose(-1, -2)
            added = to_end @ values[:, :-1]
            # From a chunk's first state to its last; the first chunk's is nothing, and the last one's end is not needed.
            passed = to_end[:, 1:, ..., :positions] @ u_from_state[:, 1:-1] + torch.diag_embed(decay[:, 1:-1, :, 0])
            reads = r[:, 1:] + to_r[:, 1:, ..., :positions] @ u_from_state[:, 1:]
            mixed = torch.cat([mixed[:, :1], mixed[:, 1:] + reads @ _states(passed, added)], dim=1)
        return mixed.transpose(2, 3).flatten(1, 2)[:, :length]


def _recurrent(
    r: torch.Tensor, g: torch.Tensor, k: torch.Tensor, v: torch.Tensor, a: torch.Tensor, b: torch.Tensor,
    state: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    """The recurrence as it stands, one position after another, from ``state`` on; the outputs and the last state."""
    mixed = []
    with torch.autocast(v.device.type, enabled=False):
        if state is None:
            state = v.new_zeros(*v.shape[:1], *v.shape[2:], v.shape[-1])
        for place in range(v.shape[1]):
            removed = state @ a[:, place].unsqueeze(-1)
            state = state * torch.exp(g[:, place]).unsqueeze(-2) + removed * b[:, place].unsqueeze(-2)
            state = state + v[:, place].unsqueeze(-1) * k[:, place].unsqueeze(-2)
            mixed.append((state @ r[:, place].unsqueeze(-1)).squeeze(-1))
    return torch.stack(mixed, dim=1), state


def _in_chunks(tensor: torch.Tensor, number: int, size: int) -> torch.Tensor:
    """[batch, seq, heads, n] to [batch, chunks, heads, size, n], filled up with zeros."""
    tensor = F.pad(tensor, (0, 0, 0, 0, 0, number * size - tensor.shape[1]))
    return tensor.unflatten(1, (number, size)).transpose(2, 3)


def _states(passed: torch.Tensor, added: torch.Tensor) -> torch.Tensor:
    """The transposed state after each chunk, [batch, chunks, heads, head_dim, head_dim]; ``passed`` begins with the second."""
    state = added[:, 0]
    states = [state]
    for chunk in range(1, added.shape[1]):
        state = passed[:, chunk - 1] @ state + added[:, chunk]
        states.append(state)
    return torch.stack(states, dim=1)
