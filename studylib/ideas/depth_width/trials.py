"""The trials of idea 1: families of shapes, head counts, and the learning-rate check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studylib.ideas._shared.lengths import equal_seconds_rounds, other_lengths
from studylib.ideas._training import at_each_size, equal_flops_steps, size_label
from studylib.ideas.depth_width.schema import DepthWidthParams
from studylib.model.family import aspect_ratio, shapes_of_size
from studylib.spec import ModelSpec, Step, TrialSpec
from studylib.trials.queue import Round
from studylib.trials.speeds import speed_steps


def plan(params: DepthWidthParams) -> list[Step]:
    """`trials`, and how fast each shape is trained."""
    specs = trials(params)
    return [*specs, *speed_steps(race(specs))]


def rounds(params: DepthWidthParams) -> list[Round]:
    return equal_seconds_rounds(params, race(trials(params)), middle_shapes(params))


def race(specs: Sequence[TrialSpec]) -> list[TrialSpec]:
    """The shapes that race each other: one at a time is timed, with nothing beside it."""
    return [spec for spec in specs if spec.tags["family"] == "shape"]


def trials(params: DepthWidthParams) -> list[TrialSpec]:
    """Families of shapes at each budget and equal FLOPs, then head counts and other learning rates at the smallest one."""
    specs: list[TrialSpec] = []
    families = {budget: _family(params, budget) for budget in sorted(params.budgets)}
    for budget, family in families.items():
        specs += [
            _trial(params, budget, family, shape, seed, family="shape") for shape in family for seed in params.seeds
        ]
    specs += other_lengths(params, specs, middle_shapes(params))
    budget, family = next(iter(families.items()))
    middle = _middle(family)
    for heads in params.heads:
        shape = middle.replace(num_heads=heads, num_kv_heads=None)
        variant = f"heads={heads}"
        specs += [_trial(params, budget, family, shape, seed, family="heads", variant=variant) for seed in params.seeds]
    if params.lr_factors:
        for shape in dict.fromkeys((family[0], middle, family[-1])):
            for factor in sorted({1.0, *params.lr_factors}):
                rate = {"optimizer.learning_rate": params.learning_rate * factor}
                for seed in params.seeds[:2]:  # the one chooses a rate that the other judges
                    trial = _trial(params, budget, family, shape, seed, family="lr", lr_factor=factor)
                    specs.append(trial.replace(**rate))
    return specs


def baselines(params: DepthWidthParams, steps: Sequence[Step]) -> list[TrialSpec]:
    """The middle shape of every size."""
    return at_each_size(steps, "shape", middle_shapes(params))


def middle_shapes(params: DepthWidthParams) -> dict[str, str]:
    """The middle shape of each size, whose FLOPs at ``tokens_per_param`` all shapes of that size spend."""
    return {size_label(budget): shape_label(_middle(_family(params, budget))) for budget in params.budgets}


def shape_label(model: ModelSpec) -> str:
    """Layers x hidden size, as the field writes it."""
    return f"{model.num_layers}x{model.hidden_size}"


def _middle(family: Sequence[ModelSpec]) -> ModelSpec:
    return family[len(family) // 2]


def _family(params: DepthWidthParams, budget: int) -> list[ModelSpec]:
    base = ModelSpec(
        num_layers=1, hidden_size=params.head_dim, num_heads=1,
        vocab_size=params.data.tokenizer.vocab_size, seq_len=params.seq_len,
    )  # fmt: skip
    return shapes_of_size(budget, params.aspects, head_dim=params.head_dim, ffn_multiple=params.ffn_multiple, base=base)


def _trial(
    params: DepthWidthParams, budget: int, shapes: Sequence[ModelSpec], shape: ModelSpec, seed: int, **tags: Any
) -> TrialSpec:
    """``shape`` for the FLOPs of the middle one of ``shapes``."""
    label = {
        "size": size_label(budget), "variant": shape_label(shape),
        "aspect": round(aspect_ratio(shape), 3), "lr_factor": 1.0,
    }  # fmt: skip
    steps = equal_flops_steps(params.steps_at(budget), _middle(shapes), shape)
    return params.trial(shape, seed, steps, tags=label | tags)
