"""What idea 9 trains when the other ideas have ended: all their choices together."""

from __future__ import annotations

from studylib.ideas.decision.combined import Combined, combined_of
from studylib.ideas.decision.schema import DecisionParams
from studylib.ideas.decision.trials import RACE, baseline, plan, together_trials
from studylib.recipe.choices import read_choices
from studylib.spec import TrialSpec
from studylib.trials.queue import Round


def rounds_of(params: DecisionParams) -> list[Round]:
    """All choices together, from the settings that the study's folder holds when the baseline is trained."""
    after = tuple(spec.name for spec in plan(params) if isinstance(spec, TrialSpec) and spec.tags["family"] == RACE)
    expected = sum(len(params.seeds_of(budget)) for budget in params.held_at)
    return [Round("all choices together", after, expected, lambda: (together_trials(params, combined(params)), []))]


def combined(params: DecisionParams) -> Combined:
    """What of the other ideas' choices can be made at the sizes of this study, and what is left out."""
    first = params.seeds[0]
    bases = [baseline(params, budget, first) for budget in params.held_at]
    return combined_of(read_choices(params.folder), bases, params.ffn_multiple)
