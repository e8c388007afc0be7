"""The trials of idea 2: every choice alone, the learning-rate check, and the best of each factor together."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from studylib.errors import StudyError
from studylib.ideas._shared.lengths import at_deciding_size, other_lengths
from studylib.ideas._shared.variants import BASELINE, Changes
from studylib.ideas._training import at_each_size, equal_flops_steps
from studylib.ideas.architecture.schema import ArchitectureParams
from studylib.numbers import short
from studylib.spec import Step, TrialSpec
from studylib.trials.speeds import speed_steps

COMBINED = "best of each"


def plan(params: ArchitectureParams) -> list[Step]:
    """`trials`, and how fast those that decide are trained, where no combination is to be timed with them."""
    specs = trials(params)
    return [*specs, *(() if combines(params) else speed_steps(deciding(params, specs)))]


def combines(params: ArchitectureParams) -> bool:
    """Whether the best of each factor will be put together."""
    return len(params.combine) >= 2


def deciding(params: ArchitectureParams, specs: Iterable[TrialSpec]) -> list[TrialSpec]:
    """Every structure at the size that decides."""
    return at_deciding_size(params, (spec for spec in specs if spec.tags["family"] == "structure"))


def trials(params: ArchitectureParams) -> list[TrialSpec]:
    """What is known beforehand: baseline and variants at every budget, and the learning-rate check at one of them."""
    specs = []
    for budget in sorted(params.budgets):
        for factor, variant in _named(params):
            specs += [_trial(params, budget, seed, factor=factor, variant=variant) for seed in params.seeds_of(budget)]
    specs += other_lengths(params, specs, BASELINE)
    if params.lr_factors:
        budget = params.lr_at or min(params.budgets)
        for variant in (BASELINE, *params.lr_variants):
            for factor, seed in itertools.product(sorted({1.0, *params.lr_factors}), params.seeds_of(budget)):
                trial = _trial(params, budget, seed, factor="", variant=variant)
                if factor != 1:
                    changes = {"optimizer.learning_rate": params.learning_rate * factor, "probes": ()}
                    trial = trial.replace(**changes)
                specs.append(trial.replace(tags=trial.tags | {"family": "lr", "lr_factor": factor}))
    return specs


def baselines(params: ArchitectureParams, steps: Sequence[Step]) -> list[TrialSpec]:
    """The baseline at every size."""
    return at_each_size(steps, "structure", BASELINE)


def best_of_each(params: ArchitectureParams, behind: Mapping[str, float]) -> dict[str, str]:
    """The variant that goes into the combination, by factor: the best of each that is below the baseline.

    Parameters
    ----------
    behind
        From `studylib.ideas._shared.paired.behind`, at the size that decides. A choice that does not go together with those of
        larger effect is left out.
    """
    factors = {variant: factor for factor, variant in _named(params) if factor in params.combine}
    ahead = sorted((difference, variant) for variant, difference in behind.items() if difference < 0)
    chosen: dict[str, str] = {}
    for _, variant in ahead:
        factor = factors.get(variant)
        if factor is None or factor in chosen:
            continue
        try:
            for budget in params.budgets:
                params.model(budget, COMBINED, _together(params, [*chosen.values(), variant]))
        except StudyError:
            continue
        chosen[factor] = variant
    return {factor: chosen[factor] for factor in params.combine if factor in chosen}


def combined_trials(params: ArchitectureParams, chosen: Mapping[str, str]) -> list[TrialSpec]:
    """The second round: the best of each factor together, at every budget; empty when fewer than two factors moved."""
    if len(chosen) < 2:
        return []
    changes = _together(params, list(chosen.values()))
    return [
        _trial(params, budget, seed, factor=COMBINED, variant=COMBINED, changes=changes)
        for budget in sorted(params.budgets)
        for seed in params.seeds_of(budget)
    ]


def _trial(
    params: ArchitectureParams, budget: int, seed: int, *, factor: str, variant: str, changes: Changes | None = None
) -> TrialSpec:
    model = params.model(budget, variant, changes)
    tags = {
        "family": "structure", "factor": factor, "size": short(budget), "variant": variant, "lr_factor": 1.0,
    }  # fmt: skip
    # The baseline is asked too, and is the same trial in every comparison.
    asked = variant == BASELINE or (factor or variant.split(":")[0]) in params.long_context
    probes = ("longer_context",) if asked and params.long_context and params.parallel.pp == 1 else ()
    steps = equal_flops_steps(params.steps_at(budget), params.model(budget), model)
    return params.trial(model, seed, steps, probes=probes, tags=tags)


def _together(params: ArchitectureParams, variants: Sequence[str]) -> Changes:
    return {key: value for variant in variants for key, value in params.variants[variant].items()}


def _named(params: ArchitectureParams) -> list[tuple[str, str]]:
    return [("", BASELINE), *((factor, name) for factor, names in params.by_factor.items() for name in names)]
