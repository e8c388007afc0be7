"""Whole tensors from the shards that tensor parallelism cuts parameters into, and back."""

from __future__ import annotations

import torch

from studylib.choices.declare import full_shape
from studylib.parallel import NanotronParameter, dist


def whole_tensor(values: torch.Tensor, parameter: NanotronParameter, tp_pg: dist.ProcessGroup) -> torch.Tensor:
    """``values`` (a parameter's own, its gradient, ...) of all ranks, put together; a copy where nothing was cut."""
    if not parameter.is_sharded:
        return values.detach().clone()
    whole = torch.zeros(full_shape(parameter), dtype=values.dtype, device=values.device)
    for pair in parameter.get_sharded_info().local_global_slices_pairs:
        whole[pair.global_slices] = values[pair.local_slices]
    dist.all_reduce(whole, group=tp_pg)
    return whole


def place_shard(local: torch.Tensor, parameter: NanotronParameter, whole: torch.Tensor) -> torch.Tensor:
    """Write this rank's part of ``whole`` into ``local``, and return that."""
    if not parameter.is_sharded:
        return local.copy_(whole)
    for pair in parameter.get_sharded_info().local_global_slices_pairs:
        local[pair.local_slices] = whole[pair.global_slices]
    return local
