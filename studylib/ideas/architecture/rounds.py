"""What idea 2 trains after its first round: the best of each factor together."""

from __future__ import annotations

from studylib.ideas._shared.variants import BASELINE
from studylib.ideas._training import size_label
from studylib.ideas.architecture.schema import ArchitectureParams
from studylib.ideas.architecture.trials import best_of_each, combined_trials, plan
from studylib.spec import TrialSpec
from studylib.trials.queue import Round


def rounds_of(params: ArchitectureParams) -> list[Round]:
    """One round, once every choice has been tried at the largest size; none where nothing is to be combined."""
    if len(params.combine) < 2:
        return []
    after = tuple(dict.fromkeys(spec.name for spec in _deciding(params)))
    expected = len(params.budgets) * len(params.seeds)
    return [Round("the best of each factor together", after, expected, lambda: (combined(params), []))]


def chosen(params: ArchitectureParams) -> dict[str, str]:
    """The variant that goes into the combination, by factor, from the trials at the largest size."""
    from studylib.analysis import effects_by_size, judged
    from studylib.trials import trials_frame

    return best_of_each(params, effects_by_size(judged(trials_frame(_deciding(params), params.folder)), BASELINE))


def combined(params: ArchitectureParams) -> list[TrialSpec]:
    return combined_trials(params, chosen(params))


def _deciding(params: ArchitectureParams) -> list[TrialSpec]:
    size = size_label(max(params.budgets))
    return [spec for spec in plan(params) if spec.tags["family"] == "structure" and spec.tags["size"] == size]
