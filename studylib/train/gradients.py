"""Gradients after the backward pass: reduced over replicas, measured, clipped."""

from __future__ import annotations

import torch

from studylib.model.gpt import GPT
from studylib.parallel import World, dist, sync_gradients_across_dp, sync_tied_weights_gradients


def reduce_gradients(model: GPT, world: World) -> None:
    """Average over data-parallel replicas; sum those of parameters tied across ranks."""
    if world.dp > 1:
        sync_gradients_across_dp(
            module=model,
            dp_pg=world.context.dp_pg,
            reduce_op=dist.ReduceOp.AVG,
            reduce_scatter=False,
            grad_accumulator=None,
        )
    if world.size > 1:
        sync_tied_weights_gradients(module=model, parallel_context=world.context, grad_accumulator=None)


@torch.no_grad()
def clip_gradients(model: GPT, world: World, max_norm: float) -> torch.Tensor:
    """Scale all gradients so that their norm over the whole model is at most ``max_norm``; returns the norm before.

    nanotron's own ``clip_grad_norm`` does the same one parameter at a time, which costs more than the step
    of a tiny model; this one uses torch's batched kernels. Parameters that are copies are counted once.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.grad is not None]
    gradients = [parameter.grad for parameter in parameters]
    counted = [
        parameter.grad
        for parameter in parameters
        if world.size == 1 or not parameter.is_tied or parameter.get_tied_info().global_ranks[0] == world.rank
    ]
    if counted:
        squared = torch.stack(torch._foreach_norm(counted)).square().sum()
    else:
        squared = torch.zeros((), device=world.device, dtype=next(model.parameters()).dtype)
    if world.tp * world.pp > 1:
        dist.all_reduce(squared, group=world.context.mp_pg, op=dist.ReduceOp.SUM)
    norm = squared.sqrt()
    torch._foreach_mul_(gradients, (max_norm / (norm + 1e-6)).clamp(max=1.0))
    return norm
