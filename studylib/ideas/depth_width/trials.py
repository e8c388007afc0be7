"""The trials of idea 1: families of shapes, head counts, and the learning-rate check."""

from __future__ import annotations

from studylib.ideas._training import size_label
from studylib.ideas.depth_width.schema import DepthWidthParams
from studylib.model.family import aspect_ratio, shapes_of_size
from studylib.spec import ModelSpec, TrialSpec


def plan(params: DepthWidthParams) -> list[TrialSpec]:
    """Families of shapes at each budget, then head counts and other learning rates at the smallest one."""
    specs: list[TrialSpec] = []
    families = {budget: _family(params, budget) for budget in sorted(params.budgets)}
    for budget, family in families.items():
        specs += [_trial(params, budget, shape, seed, family="shape") for shape in family for seed in params.seeds]
    budget, family = next(iter(families.items()))
    middle = family[len(family) // 2]
    for heads in params.heads:
        shape = middle.replace(num_heads=heads, num_kv_heads=None)
        variant = f"heads={heads}"
        specs += [_trial(params, budget, shape, seed, family="heads", variant=variant) for seed in params.seeds]
    if params.lr_factors:
        for shape in dict.fromkeys((family[0], middle, family[-1])):
            for factor in sorted({1.0, *params.lr_factors}):
                rate = {"optimizer.learning_rate": params.learning_rate * factor}
                for seed in params.seeds[:2]:  # the one chooses a rate that the other judges
                    trial = _trial(params, budget, shape, seed, family="lr", lr_factor=factor)
                    specs.append(trial.replace(**rate))
    return specs


def shape_label(model: ModelSpec) -> str:
    """Layers x hidden size, as the field writes it."""
    return f"{model.num_layers}x{model.hidden_size}"


def _family(params: DepthWidthParams, budget: int) -> list[ModelSpec]:
    base = ModelSpec(
        num_layers=1, hidden_size=params.head_dim, num_heads=1,
        vocab_size=params.data.tokenizer.vocab_size, seq_len=params.seq_len,
    )  # fmt: skip
    return shapes_of_size(budget, params.aspects, head_dim=params.head_dim, ffn_multiple=params.ffn_multiple, base=base)


def _trial(params: DepthWidthParams, budget: int, shape: ModelSpec, seed: int, *, family: str, **tags) -> TrialSpec:
    label = {
        "family": family, "size": size_label(budget), "variant": shape_label(shape),
        "aspect": round(aspect_ratio(shape), 3), "lr_factor": 1.0,
    }  # fmt: skip
    return params.trial(shape, seed, params.steps_at(budget), tags=label | tags)
