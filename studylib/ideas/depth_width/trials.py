"""The trials of idea 1: families of shapes, head counts, and the learning-rate check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from studylib.errors import invalid
from studylib.ideas._shared.lengths import other_lengths
from studylib.ideas._training import at_each_size, equal_flops_steps
from studylib.ideas.depth_width.schema import DepthWidthParams
from studylib.model.family import aspect_ratio, shapes_of_size
from studylib.numbers import short
from studylib.spec import ModelSpec, Step, TrialSpec
from studylib.trials.speeds import speed_steps


def plan(params: DepthWidthParams) -> list[Step]:
    """`trials`, and how fast each shape is trained, unless more of them may follow (`rounds`)."""
    specs = trials(params)
    return specs if params.edge_rounds else [*specs, *speed_steps(race(specs))]


def race(specs: Sequence[TrialSpec]) -> list[TrialSpec]:
    """The shapes that race each other: one at a time is timed, with nothing beside it."""
    return [spec for spec in specs if spec.tags["family"] == "shape"]


def trials(params: DepthWidthParams) -> list[TrialSpec]:
    """Families of shapes at each budget and equal FLOPs, then head counts and other learning rates at the smallest one."""
    known = families(params)
    specs = shape_trials(params, known)
    specs += other_lengths(params, specs, middle_shapes(params))
    budget, family = next(iter(known.items()))
    seeds = params.seeds_of(budget)
    middle = _middle(_family(params, budget))
    for heads in params.heads:
        shape = middle.replace(num_heads=heads, num_kv_heads=None)
        variant = f"heads={heads}"
        specs += [_trial(params, budget, middle, shape, seed, family="heads", variant=variant) for seed in seeds]
    if params.lr_factors:
        for shape in dict.fromkeys((family[0], middle, family[-1])):
            for factor in sorted({1.0, *params.lr_factors}):
                rate = {"optimizer.learning_rate": params.learning_rate * factor}
                for seed in seeds[:2]:  # the one chooses a rate that the other judges
                    trial = _trial(params, budget, middle, shape, seed, family="lr", lr_factor=factor)
                    specs.append(trial.replace(**rate))
    return specs


def families(params: DepthWidthParams) -> dict[int, list[ModelSpec]]:
    """The shapes of each budget that are trained, by falling depth, smallest budget first.

    Raises
    ------
    StudyError
        What is to be left out is the middle shape of a budget, or fewer than two would be left.
    """
    return {budget: _trained(params, budget) for budget in sorted(params.budgets)}


def _trained(params: DepthWidthParams, budget: int) -> list[ModelSpec]:
    family = _family(params, budget)
    if (middle := shape_label(_middle(family))) in params.leave_out:
        raise invalid(
            "leave_out", middle, f"is the middle shape at {short(budget)}, for whose FLOPs all others are trained"
        )
    kept = [shape for shape in family if shape_label(shape) not in params.leave_out]
    if len(kept) < 2:
        raise invalid("leave_out", list(params.leave_out), f"leaves fewer than two shapes at {short(budget)}")
    return kept


def shape_trials(params: DepthWidthParams, shapes: Mapping[int, Sequence[ModelSpec]]) -> list[TrialSpec]:
    """The race of ``shapes`` by budget, each for the FLOPs of the middle shape of `families`."""
    return [
        _trial(params, budget, middle, shape, seed, family="shape")
        for budget, family in shapes.items()
        for middle in (_middle(_family(params, budget)),)
        for shape in family
        for seed in params.seeds_of(budget)
    ]


def baselines(params: DepthWidthParams, steps: Sequence[Step]) -> list[TrialSpec]:
    """The middle shape of every size."""
    return at_each_size(steps, "shape", middle_shapes(params))


def middle_shapes(params: DepthWidthParams) -> dict[str, str]:
    """The middle shape of each size, whose FLOPs at ``tokens_per_param`` all shapes of that size spend."""
    return {short(budget): shape_label(_middle(_family(params, budget))) for budget in params.budgets}


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
    params: DepthWidthParams, budget: int, middle: ModelSpec, shape: ModelSpec, seed: int, **tags: Any
) -> TrialSpec:
    """``shape`` for the FLOPs of the ``middle`` one."""
    label = {
        "size": short(budget), "variant": shape_label(shape),
        "aspect": round(aspect_ratio(shape), 3), "lr_factor": 1.0,
    }  # fmt: skip
    steps = equal_flops_steps(params.steps_at(budget), middle, shape)
    return params.trial(shape, seed, steps, tags=label | tags)
