"""The pre-training of idea 6, and what is tuned on answers: mixtures, amounts, wordings and orders. No torch.

Tags beside ``family`` (pretrained, mixture, amount, wordings, order, longer), ``variant`` and ``size``: of mixtures ``rate``,
``lr_factor`` and ``share of <kind>``; of amounts ``rows`` (different rows of a run) and ``epochs``; of wordings ``wordings``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from studylib.frozen import once
from studylib.ideas.finetune_mix.schema import EVEN, FinetuneMixParams, in_wordings
from studylib.spec import DataSpec, ObjectiveSpec, OptimizerSpec, StageSpec, TrialSpec

Shares = dict[str, float]
PRETRAINED = "pre-trained"
ALL_AT_ONCE = "all at once"


@once
def pretrained(params: FinetuneMixParams) -> TrialSpec:
    """The one model that all tunings start from, at the first seed; its last state is kept.

    It is judged on as much of each text as a tuning is, so what is forgotten is of the very same text.
    """
    tags = {"family": "pretrained", "variant": PRETRAINED, "size": params.size}
    rows = params.pretrain_batch_size
    steps = max(2, round(params.pretrain_tokens / (rows * params.seq_len)))
    tokens = params.eval_tokens // (len(params.texts) + len(params.kinds)) * len(params.texts)
    trial = params.trial(
        params.model(params.pretrained_on.vocab_size), params.seeds[0], steps, data=params.pretrained_on, global_batch_size=rows, eval_tokens=tokens,
        tags=tags,
    )  # fmt: skip
    return trial.keeping_its_end()


def mixtures(params: FinetuneMixParams) -> dict[str, Shares]:
    """Shares of the kinds by the mixture's name: centroids of the kinds taken ``design`` at a time, and of all of them."""
    kinds, found = tuple(params.kinds), {}
    for order in sorted({*params.design, len(kinds)}):
        for chosen in combinations(kinds, order):
            found[mixture_name(params, chosen)] = dict.fromkeys(chosen, 1 / order)
    return found


def mixture_name(params: FinetuneMixParams, kinds: Sequence[str]) -> str:
    """``even`` for all, ``only free`` for one, ``free + passage`` for some."""
    if len(kinds) == len(params.kinds):
        return EVEN
    return f"only {kinds[0]}" if len(kinds) == 1 else " + ".join(kinds)


def mixture_trials(params: FinetuneMixParams) -> list[TrialSpec]:
    """Every mixture at every rate at the first seed, and the even one at the usual rate at all seeds."""
    return [
        mixture_trial(params, name, factor, seed)
        for name in mixtures(params)
        for factor in params.lr_factors
        for seed in (params.seeds if (name, factor) == (EVEN, 1) else params.seeds[:1])
    ]


@once
def mixture_trial(params: FinetuneMixParams, name: str, factor: float, seed: int) -> TrialSpec:
    """A mixture at a multiple of the usual rate; its last state is kept, for it may be asked and gone on from."""
    shares = mixtures(params)[name]
    every = {f"share of {kind}": shares.get(kind, 0.0) for kind in params.kinds}
    rate = float(f"{params.tuning_rate * factor:.4g}")
    stages = (StageSpec(name=name, mixture=shares),)
    tags = {"family": "mixture", "variant": name, "rate": rate, "lr_factor": factor} | every
    return tuning(params, seed, stages, tags, rate=rate).keeping_its_end()


def amount_trials(params: FinetuneMixParams) -> list[TrialSpec]:
    """The even mixture of fewer rows, each read as often as ``epochs`` say; beside them all of its rows, once."""
    if not params.row_shares:
        return []
    cells = {(share, times) for share in params.row_shares for times in params.epochs} | {(1.0, 1)}
    found = []
    for share, times in sorted(cells):
        steps = params.steps_of(share * params.train_tokens) * times
        rows = steps // times * params.global_batch_size
        tags = {"family": "amount", "variant": f"{rows:,} rows x {times}", "rows": rows, "epochs": times}
        found += [tuning(params, seed, even(params), tags, steps=steps, epochs=times) for seed in params.judging_seeds]
    return found


def wording_trials(params: FinetuneMixParams) -> list[TrialSpec]:
    """The even mixture of the kinds whose wordings can be counted, at equal rows."""
    found = []
    for count in params.wordings:
        name = f"{count} wordings" if count > 1 else "1 wording"
        stages = (StageSpec(name=name, mixture={in_wordings(kind, count): 1.0 for kind in params.worded}),)
        tags = {"family": "wordings", "variant": name, "wordings": count}
        found += [tuning(params, seed, stages, tags, data=params.data_in_wordings) for seed in params.judging_seeds]
    return found


def longer_trials(params: FinetuneMixParams) -> list[TrialSpec]:
    """One mixture for longer, in smaller steps; its last state is kept, to be asked."""
    longer = params.longer
    if longer is None:
        return []
    kinds = longer.kinds or tuple(params.kinds)
    name = f"{mixture_name(params, kinds)} (longer)"
    stages = (StageSpec(name=name, mixture=dict.fromkeys(kinds, 1.0)),)
    steps = max(2, round(longer.train_tokens / (longer.global_batch_size * params.seq_len)))
    tags = {"family": "longer", "variant": name}
    return [
        tuning(
            params, seed, stages, tags, steps=steps, rate=longer.learning_rate,
            global_batch_size=longer.global_batch_size,
        ).keeping_its_end()
        for seed in params.judging_seeds
    ]  # fmt: skip


def orders(params: FinetuneMixParams) -> dict[str, tuple[StageSpec, ...]]:
    """The stages of every order, by its name in tables; of each kind as many rows in all of them."""
    if not params.orders:
        return {}
    found = {ALL_AT_ONCE: even(params)}
    for name, stages in params.orders.items():
        found[name] = tuple(
            StageSpec(name="+".join(kinds), fraction=len(kinds) / len(params.kinds), mixture=dict.fromkeys(kinds, 1.0))
            for kinds in stages
        )
    return found


def order_trials(params: FinetuneMixParams) -> list[TrialSpec]:
    """Every order at the usual rate and equal rows of each kind."""
    return [
        tuning(params, seed, stages, {"family": "order", "variant": name})
        for name, stages in orders(params).items()
        for seed in params.judging_seeds
    ]


def tuning(
    params: FinetuneMixParams, seed: int, stages: tuple[StageSpec, ...], tags: Mapping[str, Any], *,
    steps: int = 0, rate: float = 0.0, epochs: int = 1, data: DataSpec | None = None, **changes: Any,
) -> TrialSpec:  # fmt: skip
    """Supervised fine-tuning of the pre-trained model on the answers that the stages mix."""
    return params.trial(
        params.model(params.pretrained_on.vocab_size), seed, steps or params.steps_of(params.train_tokens), data=data or params.all_data,
        stages=stages, epochs=epochs, start_from=pretrained(params).hash, objective=ObjectiveSpec(name="answers"),
        optimizer=OptimizerSpec(learning_rate=rate or params.tuning_rate),
        tags={"size": params.size} | dict(tags), **changes,
    )  # fmt: skip


def even(params: FinetuneMixParams) -> tuple[StageSpec, ...]:
    return (StageSpec(name=EVEN, mixture=mixtures(params)[EVEN]),)
