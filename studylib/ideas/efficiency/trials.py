"""The trials of idea 8: parts alone, switches of the engine, and the step that is timed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from studylib.ideas._shared.lengths import at_deciding_size, equal_seconds_rounds, other_lengths
from studylib.ideas._shared.variants import BASELINE
from studylib.ideas._training import at_each_size, equal_flops_steps
from studylib.ideas.efficiency.schema import PLAIN, EfficiencyParams
from studylib.machine import this_machine
from studylib.numbers import short
from studylib.spec import LayoutSpec, Step, TrialSpec
from studylib.trials.queue import Round
from studylib.trials.speeds import speed_steps
from studylib.trials.waterfall import SWITCHES, waterfall_steps


def plan(params: EfficiencyParams) -> list[Step]:
    """`trials`, how fast the parts are trained, the waterfall of the engine's switches, and the layouts of workers."""
    specs = trials(params)
    steps: list[Step] = [*specs, *speed_steps(deciding(params, specs))]
    if params.waterfall_budget:
        steps += waterfall_steps(waterfall_base(params))
    return steps + layout_steps(params)


def rounds(params: EfficiencyParams) -> list[Round]:
    return equal_seconds_rounds(params, deciding(params, trials(params)), BASELINE)


def deciding(params: EfficiencyParams, specs: Iterable[TrialSpec]) -> list[TrialSpec]:
    """The parts at the size that decides; only its speed is measured."""
    return at_deciding_size(params, (spec for spec in specs if spec.tags["family"] == "part"))


def layout_steps(params: EfficiencyParams) -> list[LayoutSpec]:
    return [LayoutSpec(trials=params.layout_trials, machine=this_machine())] if params.layout_trials else []


def trials(params: EfficiencyParams) -> list[TrialSpec]:
    """Baseline and parts at every budget, then the engine's switches, one at a time, on the smallest baseline."""
    specs = []
    names = [("", BASELINE), *((part, name) for part, names in params.by_part.items() for name in names)]
    for budget in sorted(params.budgets):
        for part, variant in names:
            specs += [
                _trial(params, budget, seed, variant, family="part", part=part) for seed in params.seeds_of(budget)
            ]
    specs += other_lengths(params, specs, BASELINE)
    plain = next(switch.changes for switch in SWITCHES if switch.name == PLAIN)
    changes = {switch.name: plain | switch.changes for switch in SWITCHES}
    smallest = min(params.budgets)
    for name in (PLAIN, *params.switches) if params.switches else ():
        compute = params.compute.replace(**changes[name])
        for seed in params.seeds_of(smallest):
            trial = _trial(params, smallest, seed, BASELINE, family="switch", part="")
            specs.append(trial.replace(compute=compute, tags=trial.tags | {"variant": name}))
    return specs


def baselines(params: EfficiencyParams, steps: Sequence[Step]) -> list[TrialSpec]:
    """The dense baseline at every size."""
    return at_each_size(steps, "part", BASELINE)


def waterfall_base(params: EfficiencyParams) -> TrialSpec:
    """The training step that is timed under one switch after another."""
    model = params.model(params.waterfall_budget)
    return params.trial(model, 0, 1, tags={}, global_batch_size=params.waterfall_batch)


def _trial(params: EfficiencyParams, budget: int, seed: int, variant: str, **tags: str) -> TrialSpec:
    model = params.model(budget, variant)
    probes = ("expert_load",) if model.moe is not None and params.parallel.pp == 1 else ()
    tags = {"size": short(budget), "variant": variant} | tags
    steps = equal_flops_steps(params.steps_at(budget), params.model(budget), model)
    return params.trial(model, seed, steps, probes=probes, tags=tags)
