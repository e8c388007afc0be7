"""Optimizers that share a run, and matrices that must be seen whole although tensor parallelism cut them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from studylib.model.shards import place_shard, whole_tensor
from studylib.parallel import dist


class Together:
    """Several torch optimizers as one: one list of groups, one state, one step.

    Parameters
    ----------
    parts
        The optimizers; each parameter belongs to one.
    tp_pg
        Tensor-parallel ranks over which the matrices of groups marked ``whole`` are put together for the step. Every rank
        then makes the same step with the whole matrix and keeps its own part of it; state is that of the whole matrix. This
        trades memory and a gather of each gradient for a step that equals the one of a single process.
    """

    def __init__(self, parts: list[torch.optim.Optimizer], tp_pg: dist.ProcessGroup):
        self.parts, self.tp_pg = parts, tp_pg
        self.param_groups: list[dict[str, Any]] = [group for part in parts for group in part.param_groups]
        self.state: dict[torch.Tensor, Any] = defaultdict(dict)
        for part in parts:
            part.state = self.state

    def step(self, closure: Any = None) -> None:
        with _whole_matrices(self.param_groups, self.tp_pg):
            for part in self.parts:
                part.step()

    def zero_grad(self, set_to_none: bool = True) -> None:
        for part in self.parts:
            part.zero_grad(set_to_none)


@contextmanager
def _whole_matrices(groups: list[dict[str, Any]], tp_pg: dist.ProcessGroup) -> Iterator[None]:
    cut = [
        parameter
        for group in groups
        if group["whole"] and tp_pg.size() > 1
        for parameter in group["params"]
        if parameter.is_sharded and parameter.grad is not None
    ]
    local = [(parameter.data, parameter.grad) for parameter in cut]
    for parameter, (data, grad) in zip(cut, local, strict=True):
        parameter.grad = None
        parameter.data = whole_tensor(data, parameter, tp_pg)
        parameter.grad = whole_tensor(grad, parameter, tp_pg)
    try:
        yield
    finally:
        for parameter, (data, grad) in zip(cut, local, strict=True):
            whole = parameter.data
            parameter.grad = None
            parameter.data = place_shard(data, parameter, whole)
            parameter.grad = grad
