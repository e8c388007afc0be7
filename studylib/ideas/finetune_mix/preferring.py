"""The trials of idea 6 that learn from preferences, on what the mixtures left: DPO, a reward model, a policy. No torch.

Tags beside ``family`` (preference, reward, policy), ``variant`` and ``size``: ``start`` (plain: the even mixture; best), ``method``
(dpo, dpo_norm, rloo, ...) and ``beta``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from studylib.ideas.finetune_mix.schema import BEST, PAIRS, FinetuneMixParams
from studylib.spec import ObjectiveSpec, OptimizerSpec, StageSpec, Step, TrialSpec, likelihood_of

Starts = Mapping[str, TrialSpec]


def preferring_steps(params: FinetuneMixParams, starts: Starts) -> list[Step]:
    """All that goes on from the models of one seed, and the likelihoods that they read.

    Parameters
    ----------
    starts
        The tuned trials by what they are called (plain, best).
    """
    found: list[Step] = []
    for name, start in starts.items():
        trials = preference_trials(params, name, start)
        likelihoods = {one.name: one for one in (likelihood_of(trial, start) for trial in trials)}
        found += [*likelihoods.values(), *trials]
    reward = reward_trial(params, starts[BEST])
    return found if reward is None else [*found, reward, *policy_trials(params, starts[BEST], reward)]


def preference_trials(params: FinetuneMixParams, name: str, start: TrialSpec) -> list[TrialSpec]:
    """Every loss at every beta, on one tuned model."""
    asked = params.preferences
    if asked is None:
        return []
    budget = _Budget(asked.learning_rate, asked.global_batch_size, _steps(params, asked.train_tokens))
    return [
        _goes_on(
            params, start, ObjectiveSpec(name="preference", loss=loss, beta=beta), budget,
            {"family": "preference", "variant": f"{name}: {loss} {beta:g}", "start": name, "method": loss, "beta": beta},
        )
        for loss, betas in asked.losses.items()
        for beta in betas
    ]  # fmt: skip


def reward_trial(params: FinetuneMixParams, start: TrialSpec) -> TrialSpec | None:
    """The reward model of a seed; None where no policy is tried."""
    policy = params.policy
    if policy is None or params.preferences is None:
        return None
    rows = params.preferences.global_batch_size
    tags = {"family": "reward", "variant": f"{BEST}: reward", "start": BEST, "method": "reward"}
    budget = _Budget(policy.reward_rate, rows, _steps(params, policy.reward_tokens))
    return _goes_on(params, start, ObjectiveSpec(name="reward"), budget, tags)


def policy_trials(params: FinetuneMixParams, start: TrialSpec, reward: TrialSpec) -> list[TrialSpec]:
    """The policy at every beta, judged by the reward model; its prompts are those of the pairs."""
    asked = params.policy
    if asked is None:
        return []
    method = asked.objective.estimator
    budget = _Budget(asked.learning_rate, asked.global_batch_size, asked.steps)
    return [
        _goes_on(
            params, start, asked.objective.replace(beta=beta, reward_from=reward.hash), budget,
            {"family": "policy", "variant": f"{BEST}: {method} {beta:g}", "start": BEST, "method": method, "beta": beta},
        )
        for beta in asked.betas
    ]  # fmt: skip


class _Budget(NamedTuple):
    learning_rate: float
    rows: int  # in a step
    steps: int


def _steps(params: FinetuneMixParams, tokens: int) -> int:
    return max(2, round(tokens / (params.preferences.global_batch_size * params.seq_len)))


def _goes_on(
    params: FinetuneMixParams, start: TrialSpec, objective: ObjectiveSpec, budget: _Budget, tags: dict[str, Any]
) -> TrialSpec:
    trial = params.trial(
        start.model, start.seed, budget.steps, data=params.preferring_data, start_from=start.hash, objective=objective,
        stages=(StageSpec(name=PAIRS, mixture={PAIRS: 1.0}),), optimizer=OptimizerSpec(learning_rate=budget.learning_rate),
        global_batch_size=budget.rows, tags={"size": start.tags["size"]} | tags,
    )  # fmt: skip
    return trial.keeping_its_end()
