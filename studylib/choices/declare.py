"""What a torch module says about its own parameters, where name and shape do not tell how they start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Declared:
    """What a module says about a parameter of its own, where name and shape do not tell it."""

    role: str | None = None
    start: Callable[[torch.Size, torch.Generator], torch.Tensor] | None = None
    gain: float | torch.Tensor = 1.0


def declare(
    parameter: torch.nn.Parameter,
    *,
    role: str | None = None,
    start: Callable[[torch.Size, torch.Generator], torch.Tensor] | float | None = None,
    gain: float | torch.Tensor = 1.0,
) -> torch.nn.Parameter:
    """Say that ``parameter`` starts or is updated otherwise than its name and shape tell; returns it.

    Parameters
    ----------
    role
        What it is to the parametrisation: "embedding", "head", "hidden" or "norm" (vectors and small tables, whose updates
        do not depend on width).
    start
        A number that fills it, or a function of (full shape, generator) that gives the full start values, fp32; drawn from
        the generator they are the same on every topology. None: as the parametrisation says.
    gain
        Multiplies the start values that the parametrisation draws; a number or what broadcasts to the full shape.
    """
    if isinstance(start, int | float):
        value = float(start)
        parameter.declared = Declared(role, lambda shape, _: torch.full(shape, value), gain)
    else:
        parameter.declared = Declared(role, start, gain)
    return parameter


def scale_matrices(module: torch.nn.Module, gain: float) -> None:
    """Multiply by ``gain`` what the parametrisation draws for the matrices in ``module``.

    A submodule that means it otherwise has a ``scale_start(gain)`` of its own.
    """
    for part in module.modules():
        if hasattr(part, "scale_start"):
            part.scale_start(gain)
            return
    for parameter in module.parameters():
        if parameter.ndim == 2 and declared(parameter).start is None:
            declare(parameter, role=declared(parameter).role, gain=gain)


def declared(parameter: torch.Tensor) -> Declared:
    return getattr(parameter, "declared", Declared())


def full_shape(parameter: torch.Tensor) -> torch.Size:
    """The shape before tensor parallelism cut it."""
    sharded = getattr(parameter, "is_sharded", False)
    return torch.Size(parameter.get_sharded_info().unsharded_shape) if sharded else parameter.shape
