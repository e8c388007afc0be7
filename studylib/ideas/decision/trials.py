"""The trials of idea 9: a ladder of the baseline over sizes and lengths, and the baseline with all choices that can be made small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studylib.ideas._shared.lengths import other_lengths
from studylib.ideas._shared.variants import BASELINE
from studylib.ideas._training import at_each_size, equal_flops_steps
from studylib.ideas.decision.combined import Combined
from studylib.ideas.decision.schema import TUNING_SEED, DecisionParams
from studylib.numbers import short
from studylib.spec import Step, TrialSpec

TOGETHER = "all together"
RACE = "together"  # family of those that are held against each other
RATES = "together's rate"  # of all together at several rates
REST = "one left out"  # of what is left of all together without one of them


def plan(params: DecisionParams) -> list[Step]:
    """The baseline at every size and length. What is put together is known when the other ideas have ended."""
    race = [baseline(params, budget, seed) for budget in sorted(params.budgets) for seed in params.seeds_of(budget)]
    return [*race, *other_lengths(params, race, BASELINE)]


def baseline(params: DecisionParams, budget: int, seed: int) -> TrialSpec:
    tags = {"family": RACE, "size": short(budget), "variant": BASELINE}
    return params.trial(params.shape(budget), seed, params.steps_at(budget), tags=tags)


def baselines(params: DecisionParams, steps: Sequence[Step]) -> list[TrialSpec]:
    """The baseline at every size."""
    return at_each_size(steps, RACE, BASELINE)


def together_trials(params: DecisionParams, combined: Combined, lr_factor: float = 1.0) -> list[TrialSpec]:
    """The baseline with all parts of ``combined``, at the baseline's FLOPs; empty where nothing differs from it."""
    return [
        combined_trial(params, combined, budget, seed, lr_factor=lr_factor)
        for budget in params.held_at
        for seed in params.seeds_of(budget)
        if combined.parts
    ]


def rate_trials(params: DecisionParams, combined: Combined) -> dict[float, TrialSpec]:
    """All parts of ``combined`` at the smallest size by multiple of the rate that comes with them, on a seed of their own."""
    found = {}
    for factor in params.rates if combined.parts else ():
        trial = combined_trial(params, combined, params.held_at[0], TUNING_SEED, lr_factor=factor, family=RATES)
        found[factor] = trial.replace(eval_every=0)
    return found


def combined_trial(
    params: DecisionParams, combined: Combined, budget: int, seed: int, *,
    lr_factor: float = 1.0, family: str = RACE, variant: str = TOGETHER,
) -> TrialSpec:  # fmt: skip
    """The baseline of that size and seed with the parts of ``combined``, at its FLOPs.

    Raises
    ------
    StudyError
        The parts do not go together.
    """
    base = baseline(params, budget, seed)
    made = combined.applied_to(base, params.ffn_multiple)
    steps = equal_flops_steps(base.train_steps, base.model, made.model)
    changes: dict[str, Any] = {"eval_every": max(1, steps // params.evaluations)} if params.evaluations else {}
    if lr_factor != 1:
        changes["optimizer.learning_rate"] = float(f"{made.optimizer.learning_rate * lr_factor:.4g}")
    about = {"family": family, "variant": variant, "lr_factor": lr_factor}
    return made.replace(train_steps=steps, tags=base.tags | about, **changes)
