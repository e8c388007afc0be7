"""What idea 6 trains once the rates are judged: every mixture at its best one, then preferences on the best of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from statistics import fmean

from studylib.errors import StudyError
from studylib.ideas.finetune_mix.asked import asked_beforehand, asked_of_mixtures, asked_to_write
from studylib.ideas.finetune_mix.preferring import policy_trials, preference_trials, preferring_steps, reward_trial
from studylib.ideas.finetune_mix.schema import BEST, EVEN, PLAIN, FinetuneMixParams
from studylib.ideas.finetune_mix.tunings import mixture_trial, mixtures
from studylib.spec import EvaluationSpec, Step, TrialSpec
from studylib.trials.cache import Task
from studylib.trials.queue import Round


def rounds_of(params: FinetuneMixParams) -> list[Round]:
    """Behind the mixtures at the first seed: each at its best rate on the seeds that judge; behind those what follows on the best of the
    largest model."""
    *smaller, _ = params.at_every_size
    many = len(mixtures(params)) * len(params.judging_seeds)
    return [
        *(
            Round(f"mixtures of {one.size} at their best rates", _names(first_seed(one)), many, partial(_judged_alone, one))
            for one in smaller
        ),
        Round(
            "mixtures at their best rates, and what follows on the best", _names(first_seed(params)),
            many + _expected_on_the_best(params), lambda: _at_best(params),
        ),
    ]  # fmt: skip


def _names(trials: Iterable[TrialSpec]) -> tuple[str, ...]:
    return tuple(trial.name for trial in trials)


def _judged_alone(params: FinetuneMixParams) -> tuple[list[TrialSpec], list[Round]]:
    return judged(params), []


def first_seed(params: FinetuneMixParams) -> list[TrialSpec]:
    """Every mixture at every rate, on the seed that chooses."""
    return [
        mixture_trial(params, name, factor, params.seeds[0])
        for name in mixtures(params)
        for factor in params.lr_factors
    ]


def _at_best(params: FinetuneMixParams) -> tuple[list[Step], list[Round]]:
    trials = judged(params)
    later = Round(
        "questions and preferences", _names(trials), _expected_on_the_best(params), lambda: (_on_the_best(params), [])
    )
    return [*trials], [later]


def _on_the_best(params: FinetuneMixParams) -> list[Step]:
    best = best_mixture(params)
    found: list[Step] = [*asked_of_mixtures(params, judged(params), best)]
    if params.preferences is not None:
        for seed in params.judging_seeds:
            found += preferring_steps(params, starts(params, best, seed))
        found += written(params)
    return found


def _expected_on_the_best(params: FinetuneMixParams) -> int:
    """At most: where the best mixture is the even one, fewer."""
    tried = 0 if params.preferences is None else sum(map(len, params.preferences.losses.values()))
    policies = 0 if params.policy is None else len(params.policy.betas)
    trained = 0 if params.preferences is None else 2 * (tried + 1) + (1 + policies if policies else 0)
    asked = 0 if params.preferences is None or params.written is None else 2 * (tried + 1) + policies
    asked += len(params.benchmarks)
    asked += 2 * ((params.questions is not None) + (params.recalled is not None))
    return len(params.judging_seeds) * (trained + asked)


def starts(params: FinetuneMixParams, best: str, seed: int) -> dict[str, TrialSpec]:
    """What preferences are learnt on: the best mixture, and beside it the even one where that is another."""
    factors = best_factors(params)
    names = {BEST: best} if best == EVEN or EVEN not in factors else {PLAIN: EVEN, BEST: best}
    return {name: mixture_trial(params, mixture, factors[mixture], seed) for name, mixture in names.items()}


def written(params: FinetuneMixParams) -> list[EvaluationSpec]:
    """Answers before and after preferences, of all seeds that judge."""
    best = best_mixture(params)
    found: list[EvaluationSpec] = []
    for seed in params.judging_seeds:
        own = starts(params, best, seed)
        trials = [trial for name, start in own.items() for trial in preference_trials(params, name, start)]
        reward = reward_trial(params, own[BEST])
        trials += [] if reward is None else policy_trials(params, own[BEST], reward)
        found += asked_to_write(params, own, trials, reward)
    return found


def evaluations(params: FinetuneMixParams) -> list[EvaluationSpec]:
    """All that models are asked, once the rounds are over.

    Raises
    ------
    StudyError
        As of `best_mixture`.
    """
    of_best = written(params) if params.preferences is not None else []
    return [*asked_beforehand(params), *asked_of_mixtures(params, judged(params), best_mixture(params)), *of_best]


def best_factors(params: FinetuneMixParams) -> dict[str, float]:
    """The rate that was best for each mixture at the first seed, as a multiple of the usual one; a mixture that failed at all
    rates is left out."""
    found: dict[str, float] = {}
    for name in mixtures(params):
        scores = {
            factor: score
            for factor in params.lr_factors
            if (score := answers_bpb(params, mixture_trial(params, name, factor, params.seeds[0]))) is not None
        }
        if scores:
            found[name] = min(scores, key=lambda factor: (scores[factor], abs(factor - 1)))
    return found


def judged(params: FinetuneMixParams) -> list[TrialSpec]:
    """Every mixture at its best rate, on the seeds that had no say in it."""
    return [
        mixture_trial(params, name, factor, seed)
        for name, factor in best_factors(params).items()
        for seed in params.judging_seeds
    ]


def best_mixture(params: FinetuneMixParams) -> str:
    """The mixture whose answers cost the fewest bits per byte, mean over the seeds that judge; of those that all finished.

    Raises
    ------
    StudyError
        Of no mixture did all of them finish.
    """
    scores: dict[str, list[float | None]] = {}
    for trial in judged(params):
        scores.setdefault(str(trial.tags["variant"]), []).append(answers_bpb(params, trial))
    whole = {name: fmean(own) for name, own in _finished(scores).items()}
    if not whole:
        raise StudyError("no mixture finished at all the seeds that judge, so none is the best")
    return min(whole, key=whole.__getitem__)


def _finished(scores: Mapping[str, list[float | None]]) -> dict[str, list[float]]:
    known = {name: [one for one in own if one is not None] for name, own in scores.items()}
    return {name: own for name, own in known.items() if len(own) == len(scores[name])}


def answers_bpb(params: FinetuneMixParams, trial: TrialSpec) -> float | None:
    """What decides: the mean over kinds of bits per byte of held-out answers; None for a trial that did not finish."""
    result = Task.under(params.folder, trial).result()
    return None if result is None else fmean(result.val[kind].bpb for kind in params.kinds)
