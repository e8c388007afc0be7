"""What idea 9 trains when the other ideas have ended: all their choices together."""

from __future__ import annotations

from functools import partial

from studylib.ideas.decision.combined import Combined, combined_of
from studylib.ideas.decision.held import ALL, Held
from studylib.ideas.decision.schema import DecisionParams
from studylib.ideas.decision.trials import RACE, baseline, plan
from studylib.recipe.choices import read_choices
from studylib.spec import TrialSpec
from studylib.trials.queue import Round


def rounds_of(params: DecisionParams) -> list[Round]:
    """All choices together, from the settings that the study's folder holds when the baseline is trained; and what follows."""
    after = tuple(spec.name for spec in plan(params) if isinstance(spec, TrialSpec) and spec.tags["family"] == RACE)
    return [Round(ALL, after, len(params.rates) + params.held_trials, lambda: _go_on(params, combined(params)))]


def combined(params: DecisionParams) -> Combined:
    """What of the other ideas' choices can be made at the sizes of this study, and what is left out."""
    first = params.seeds[0]
    bases = [baseline(params, budget, first) for budget in params.held_at]
    return combined_of(read_choices(params.folder), bases, params.ffn_multiple)


def _go_on(params: DecisionParams, whole: Combined) -> tuple[list[TrialSpec], list[Round]]:
    """The trials so far, those whose outcomes are waited for last, and the round that follows them."""
    held, trials = Held(params, whole), []
    for stage in held.stages():
        trials += stage.trials
        if not all(map(held.ended, stage.trials)):
            after = tuple(trial.name for trial in stage.trials)
            return trials, [Round(stage.then, after, stage.expected, partial(_go_on, params, whole))]
    return trials, []
