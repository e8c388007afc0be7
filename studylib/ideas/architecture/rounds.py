"""What idea 2 trains after its first round: the best of each factor together, and the size that decides in equal seconds."""

from __future__ import annotations

from studylib.ideas._shared.lengths import equal_seconds_rounds
from studylib.ideas._shared.paired import behind
from studylib.ideas._shared.variants import BASELINE
from studylib.ideas.architecture.schema import ArchitectureParams
from studylib.ideas.architecture.trials import best_of_each, combined_trials, combines, deciding, trials
from studylib.spec import Step, TrialSpec
from studylib.trials.queue import Round
from studylib.trials.speeds import speed_steps


def rounds_of(params: ArchitectureParams) -> list[Round]:
    """The combination once every choice has been tried at the size that decides; equal seconds once all that decide are timed."""
    race = deciding(params, trials(params))
    timed_rounds = equal_seconds_rounds(params, race, BASELINE)
    if not combines(params):
        return timed_rounds

    def then() -> tuple[list[Step], list[Round]]:
        together = combined(params)
        timed = [*race, *deciding(params, together)]
        return [*together, *speed_steps(timed)], equal_seconds_rounds(params, timed, BASELINE)

    after = tuple(dict.fromkeys(spec.name for spec in race))
    seeds = {budget: len(params.seeds_of(budget)) for budget in params.budgets}
    expected = sum(seeds.values()) + len(speed_steps(race))
    expected += sum(
        one.expected + seeds[params.deciding_budget] for one in timed_rounds
    )  # with the combination in the race
    return [Round("the best of each factor together", after, expected, then)]


def chosen(params: ArchitectureParams) -> dict[str, str]:
    """The variant that goes into the combination, by factor, from the trials at the size that decides."""
    return best_of_each(params, behind(deciding(params, trials(params)), BASELINE, params.folder))


def combined(params: ArchitectureParams) -> list[TrialSpec]:
    return combined_trials(params, chosen(params))
