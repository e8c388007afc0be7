"""What the trained models of idea 6 are asked, each once: few enough that a study's time is that of its trainings. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from studylib.ideas.finetune_mix.schema import ASKED, EVEN, FinetuneMixParams
from studylib.ideas.finetune_mix.tunings import longer_trials, pretrained, wording_trials
from studylib.registry import BENCHMARKS
from studylib.spec import EvaluationSpec, TrialSpec


def asked_beforehand(params: FinetuneMixParams) -> list[EvaluationSpec]:
    """Of the start everything, of models of few and many wordings and of longer tunings the questions."""
    start = pretrained(params)
    return [
        *_asked(params, "questions", [start, *wording_trials(params), *longer_trials(params)]),
        *_asked(params, "recalled", [start]),
        *_benchmarks(params, [start]),
    ]


def asked_of_mixtures(params: FinetuneMixParams, trials: Sequence[TrialSpec], best: str) -> list[EvaluationSpec]:
    """Questions and facts of the even and the best mixture, further benchmarks of the best."""
    leading = [trial for trial in trials if trial.tags["variant"] == best]
    compared = [trial for trial in trials if trial.tags["variant"] in (EVEN, best)]
    return [
        *_asked(params, "questions", compared),
        *_asked(params, "recalled", compared),
        *_benchmarks(params, leading),
    ]


def asked_to_write(
    params: FinetuneMixParams, starts: dict[str, TrialSpec], trials: Iterable[TrialSpec], reward: TrialSpec | None
) -> list[EvaluationSpec]:
    """Answers of one seed's models before and after preferences, each judged beside the model that it began with."""
    if params.written is None:
        return []
    reward_model = {} if reward is None else {"reward_model": reward}
    before = [
        EvaluationSpec(
            trial=start.replace(tags=start.tags | {"start": name}),
            benchmark=ASKED["written"],
            **params.written,
            **reward_model,
        )
        for name, start in starts.items()
    ]
    after = [
        EvaluationSpec(
            trial=trial,
            benchmark=ASKED["written"],
            reference=starts[str(trial.tags["start"])],
            **params.written,
            **reward_model,
        )
        for trial in trials
    ]
    return before + after


def asked_by(params: FinetuneMixParams, field: str, evaluations: Sequence[EvaluationSpec]) -> list[EvaluationSpec]:
    """Those that a field of the parameters (questions, recalled, written) asked for; further benchmarks are none of them."""
    benchmark, options = BENCHMARKS[ASKED[field]], getattr(params, field)
    if options is None:
        return []
    own = [one for one in evaluations if one.benchmark == ASKED[field]]
    return [one for one in own if one.options_of(benchmark) == benchmark.Options(**options)]


def _asked(params: FinetuneMixParams, field: str, trials: Sequence[TrialSpec]) -> list[EvaluationSpec]:
    options = getattr(params, field)
    return (
        [] if options is None else [EvaluationSpec(trial=trial, benchmark=ASKED[field], **options) for trial in trials]
    )


def _benchmarks(params: FinetuneMixParams, trials: Sequence[TrialSpec]) -> list[EvaluationSpec]:
    return [EvaluationSpec(trial=trial, **options) for options in params.benchmarks.values() for trial in trials]
