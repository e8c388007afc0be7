"""The trial's optimizer over this process's parameters."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studylib.model.initialise import role_of, rule_of
from studylib.parallel import NamedOptimizer, World, ZeroDistributedOptimizer
from studylib.registry import INITS, OPTIMIZERS
from studylib.spec import TrialSpec
from studylib.train.whole_matrices import Together

if TYPE_CHECKING:
    from studylib.model.gpt import GPT


def parameter_groups(model: GPT, spec: TrialSpec) -> list[dict[str, Any]]:
    """One group per rule: learning rate, decay and epsilon scaled as parametrisation and optimizer say.

    What decays is the parametrisation's to say (never norms); ``decay_embeddings`` adds the token embedding.
    """
    optimizer, parametrisation = spec.optimizer, INITS[model.spec.init](model.spec)
    choice = OPTIMIZERS[optimizer.name](optimizer)
    groups: dict[tuple, list] = defaultdict(list)
    for name, parameter in model.get_named_params_with_correct_tied():
        role, rule = role_of(name, parameter), rule_of(model.spec, name, parameter)
        if role == "embedding" and optimizer.decay_embeddings:
            rule = replace(rule, weight_decay_scale=1.0 / rule.lr_scale)
        whole = choice.whole(role, parameter.ndim)
        rule = choice.scaled(
            rule, role, whole=whole, width=parametrisation.width, residual=parametrisation.residual_multiplier
        )
        groups[rule.lr_scale, rule.weight_decay_scale, rule.eps_scale, whole].append((name, parameter))
    return [
        {
            "named_params": named,
            "lr": optimizer.learning_rate * lr_scale,
            "lr_scale": lr_scale,
            "weight_decay": optimizer.weight_decay * decay_scale,
            "whole": whole,
        }
        | ({"eps": choice.options.eps * eps_scale} if "eps" in type(choice.options).model_fields else {})
        for (lr_scale, decay_scale, eps_scale, whole), named in sorted(groups.items())
    ]


def build_optimizer(model: GPT, spec: TrialSpec, world: World) -> NamedOptimizer | ZeroDistributedOptimizer:
    """The trial's optimizer over this rank's parameters; with ``zero_stage`` 1 its state is split over replicas."""

    def built(groups: list[dict[str, Any]]) -> Any:
        parts = OPTIMIZERS[spec.optimizer.name](spec.optimizer).build(groups)
        if not spec.compute.fused_optimizer:
            for group in (group for part in parts for group in part.param_groups):  # read by torch's at every step
                group.update({name: False for name in ("fused", "foreach") if name in group})
        cut = world.tp > 1 and any(group["whole"] for group in groups)
        return Together(parts, world.context.tp_pg) if cut or len(parts) > 1 else parts[0]

    groups = parameter_groups(model, spec)
    if spec.parallel.zero_stage:
        return ZeroDistributedOptimizer(
            groups, optimizer_builder=lambda mine: NamedOptimizer(mine, built), dp_pg=world.context.dp_pg
        )
    return NamedOptimizer(groups, built)


def torch_optimizer(optimizer: NamedOptimizer | ZeroDistributedOptimizer) -> Any:
    """What is inside nanotron's wrappers: a torch optimizer, or several `Together`."""
    while hasattr(optimizer, "optimizer"):
        optimizer = optimizer.optimizer
    return optimizer


def set_learning_rate(optimizer: NamedOptimizer | ZeroDistributedOptimizer, learning_rate: float) -> None:
    """Set every group's rate to ``learning_rate`` times its scale."""
    for group in torch_optimizer(optimizer).param_groups:
        group["lr"] = learning_rate * group["lr_scale"]
