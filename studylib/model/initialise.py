"""Start values drawn by parameter name and seed: the same on every topology, worker and resume point."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch

from studylib.model.init import ParameterRule
from studylib.registry import INITS
from studylib.spec import ModelSpec

if TYPE_CHECKING:
    from studylib.model.gpt import GPT


def role_of(name: str, parameter: torch.Tensor) -> str:
    """What a parameter is to the parametrisation: embedding, head, norm (any vector) or hidden."""
    if parameter.ndim == 1:
        return "norm"
    if ".token_embedding." in name:
        return "embedding"
    return "head" if ".lm_head." in name else "hidden"


def full_shape(parameter: torch.Tensor) -> torch.Size:
    """The shape before tensor parallelism cut it."""
    sharded = getattr(parameter, "is_sharded", False)
    return torch.Size(parameter.get_sharded_info().unsharded_shape) if sharded else parameter.shape


def rule_of(model: ModelSpec, name: str, parameter: torch.Tensor) -> ParameterRule:
    """The parametrisation's rule for a named parameter of ``model``."""
    return INITS[model.init](model).rule(role_of(name, parameter), fan_in=full_shape(parameter)[-1])


@torch.no_grad()
def initialise(model: GPT, seed: int) -> None:
    """Fill every parameter in place from a generator seeded by (seed, name); shards take their slice."""
    for name, parameter in model.get_named_params_with_correct_tied():
        rule = rule_of(model.spec, name, parameter)
        if rule.std is None:
            parameter.fill_(1.0)
            continue
        digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)
        full = torch.randn(full_shape(parameter), generator=generator, dtype=torch.float32).mul_(rule.std)
        if parameter.is_sharded:
            for pair in parameter.get_sharded_info().local_global_slices_pairs:
                parameter[pair.local_slices] = full[pair.global_slices].to(parameter)
        else:
            parameter.copy_(full)
