"""Optimizer state as safetensors, independent of how parameters and state are split over processes.

nanotron stores this as pickles and moves it to CUDA when loading. Here each rank writes the pieces it owns;
every piece says which part of which parameter it is, so any other layout can put the parts together. State that has
not the parameter's shape (row and column means, preconditioners) belongs to whole matrices and is written once; it
loads on any layout too, for its optimizer sees those matrices whole on all of them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from studylib.choices.declare import full_shape
from studylib.parallel import NamedOptimizer, SlicesPair, World, ZeroDistributedOptimizer
from studylib.train.optimizer import torch_optimizer

Optimizer = NamedOptimizer | ZeroDistributedOptimizer


def _named_states(optimizer: Optimizer) -> list[tuple[str, torch.Tensor, dict[str, Any], dict[str, Any]]]:
    """Name, parameter, its state, and its group."""
    inner = torch_optimizer(optimizer)
    return [
        (optimizer.id_to_name[id(parameter)], parameter, inner.state[parameter], group)
        for group in inner.param_groups
        for parameter in group["params"]
    ]


def _leaves(state: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
    """Tensors and plain values by path: items of a list are ``key/0``, ..., and what a group counts is ``group/step``."""
    found: dict[str, Any] = {"group/step": group["step"]} if "step" in group else {}
    for key, value in state.items():
        if isinstance(value, list):
            found |= {f"{key}/{place}": item for place, item in enumerate(value)}
        else:
            found[key] = value
    return found


def _put(state: dict[str, Any], group: dict[str, Any], path: str, value: Any) -> None:
    """Undo `_leaves` for one of them; items of a list come in their order."""
    key, _, place = path.partition("/")
    if key == "group":
        group[place] = value
    elif place:
        items = state.setdefault(key, [])
        del items[int(place) :]
        items.append(value)
    else:
        state[key] = value


def _parameter_behind(parameter: torch.Tensor) -> tuple[torch.Tensor, tuple[int, int] | None]:
    """The whole local parameter, and which stretch of it (flattened) a ZeRO-1 slice covers."""
    if hasattr(parameter, "sliced_flat_tensor"):
        return parameter.orig_data, (int(parameter.start_offset), int(parameter.end_offset))
    return parameter, None


def _slices(parameter: torch.Tensor) -> str:
    """Where the local parameter lies in the full one, as nanotron spells it; empty when it is the full one."""
    if not getattr(parameter, "is_sharded", False):
        return ""
    return SlicesPair.tuple_to_str(parameter.get_sharded_info().local_global_slices_pairs)


def save_optimizer_state(optimizer: Optimizer, world: World, folder: Path) -> None:
    """Write this rank's pieces to ``folder/optimizer/rank-N.safetensors``; ranks that hold only copies write none."""
    if world.dp_rank > 0 and not isinstance(optimizer, ZeroDistributedOptimizer):
        return
    tensors, places = {}, {}
    for name, parameter, state, group in _named_states(optimizer):
        whole, stretch = _parameter_behind(parameter)
        if whole.is_tied and whole.get_tied_info().global_ranks[0] % world.tp != world.tp_rank:
            continue  # a copy: the first tensor-parallel rank writes it
        if group["whole"] and world.tp_rank > 0:
            continue  # every rank holds the state of the whole matrix
        for path, value in _leaves(state, group).items():
            about = {"parameter": name, "key": path}
            place = f"{name}|{path}|{len(places)}"
            if isinstance(value, torch.Tensor):
                tensors[place] = value.detach().contiguous().cpu()
                elementwise = not group["whole"] and value.numel() == parameter.numel() and value.ndim > 0
                about |= {"local_shape": list(whole.shape), "slices": _slices(whole), "stretch": stretch}
                places[place] = about | {"elementwise": elementwise}
            else:
                places[place] = about | {"value": value}
    target = folder / "optimizer" / f"rank-{world.rank:05d}.safetensors"
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, target, metadata={"places": json.dumps(places)})


def load_optimizer_state(optimizer: Optimizer, folder: Path) -> None:
    """Fill ``optimizer`` from the pieces under ``folder``, whatever layout wrote them.

    Raises
    ------
    ValueError
        A parameter has no saved state.
    """
    pieces = defaultdict(list)
    files = [safe_open(path, framework="pt") for path in sorted((folder / "optimizer").glob("rank-*.safetensors"))]
    for file in files:
        for place, about in json.loads(file.metadata()["places"]).items():
            pieces[about["parameter"]].append((file, place, about))
    for name, parameter, state, group in _named_states(optimizer):
        if name not in pieces:
            raise ValueError(f"{folder}: no optimizer state for {name}")
        whole, stretch = _parameter_behind(parameter)
        for path in {about["key"]: None for _, _, about in pieces[name]}:
            parts = [(file, place, about) for file, place, about in pieces[name] if about["key"] == path]
            if "value" in parts[0][2]:
                _put(state, group, path, parts[0][2]["value"])
                continue
            tensors = [(file.get_tensor(place), about) for file, place, about in parts]
            _put(state, group, path, _local_part(tensors, whole, stretch).to(parameter.device))


def _local_part(
    parts: list[tuple[torch.Tensor, dict]], whole: torch.Tensor, stretch: tuple[int, int] | None
) -> torch.Tensor:
    first, about = parts[0]
    if not about["elementwise"]:
        return first  # a step count, or of a whole matrix: the same for every piece
    for value, about in parts:  # the common case: this very piece was saved
        same_stretch = (tuple(about["stretch"]) if about["stretch"] else None) == stretch
        if same_stretch and about["slices"] == _slices(whole):
            return value
    full = _assemble(parts, full_shape(whole))
    local = torch.empty(whole.shape, dtype=full.dtype)
    if _slices(whole):
        for pair in whole.get_sharded_info().local_global_slices_pairs:
            local[pair.local_slices] = full[pair.global_slices]
    else:
        local.copy_(full)
    return local.flatten()[slice(*stretch)].clone() if stretch else local


def _assemble(parts: list[tuple[torch.Tensor, dict]], shape: torch.Size) -> torch.Tensor:
    """The full tensor from all its pieces."""
    locals_: dict[str, torch.Tensor] = {}
    for value, about in parts:
        local = locals_.setdefault(about["slices"], torch.full(about["local_shape"], torch.nan, dtype=value.dtype))
        start, stop = about["stretch"] or (0, local.numel())
        local.view(-1)[start:stop] = value.flatten()
    full = torch.full(shape, torch.nan, dtype=next(iter(locals_.values())).dtype)
    for slices, local in locals_.items():
        if not slices:
            return local
        for pair in SlicesPair.tuple_from_str(slices):
            full[pair.global_slices] = local[pair.local_slices]
    return full
