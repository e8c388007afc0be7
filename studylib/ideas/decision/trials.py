"""The trials of idea 9: a ladder of the baseline over sizes and lengths, and the baseline with all choices that can be made small."""

from __future__ import annotations

from collections.abc import Sequence

from studylib.ideas._shared.lengths import other_lengths
from studylib.ideas._shared.variants import BASELINE
from studylib.ideas._training import at_each_size, equal_flops_steps, size_label
from studylib.ideas.decision.combined import Combined
from studylib.ideas.decision.schema import DecisionParams
from studylib.spec import Step, TrialSpec

TOGETHER = "all together"
RACE = "together"  # family of those that are held against each other


def plan(params: DecisionParams) -> list[Step]:
    """The baseline at every size and length. What is put together is known when the other ideas have ended."""
    race = [baseline(params, budget, seed) for budget in sorted(params.budgets) for seed in params.seeds_of(budget)]
    return [*race, *other_lengths(params, race, BASELINE)]


def baseline(params: DecisionParams, budget: int, seed: int) -> TrialSpec:
    tags = {"family": RACE, "size": size_label(budget), "variant": BASELINE}
    return params.trial(params.shape(budget), seed, params.steps_at(budget), tags=tags)


def baselines(params: DecisionParams, steps: Sequence[Step]) -> list[TrialSpec]:
    """The baseline at every size."""
    return at_each_size(steps, RACE, BASELINE)


def together_trials(params: DecisionParams, combined: Combined) -> list[TrialSpec]:
    """The baseline with all parts of ``combined``, at the baseline's FLOPs; empty where nothing differs from it."""
    if not combined.parts:
        return []
    specs = []
    for budget in params.held_at:
        for seed in params.seeds_of(budget):
            base = baseline(params, budget, seed)
            made = combined.applied_to(base, params.ffn_multiple)
            steps = equal_flops_steps(base.train_steps, base.model, made.model)
            every = {"eval_every": max(1, steps // params.evaluations)} if params.evaluations else {}
            specs.append(made.replace(train_steps=steps, tags=base.tags | {"variant": TOGETHER}, **every))
    return specs
