"""The trials of idea 4: orders, the ladder of the target alone, and made text by share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from studylib.ideas._training import at_each_size
from studylib.ideas.data_order.schema import DataOrderParams
from studylib.model.cost import flops_per_token, training_flops
from studylib.spec import DataSpec, MadeText, SourceSpec, StageSpec, Step, TrialSpec
from studylib.trials.speeds import speed_steps


def plan(params: DataOrderParams) -> list[Step]:
    """Orders at equal FLOPs, at every size; at the largest the ladder of the target alone, made text by share on scarce text, and how
    fast each context is trained."""
    *smaller, own = (_order_trials(one) for one in params.at_every_size)
    own += _ladder_trials(params)
    return [*chain(*smaller), *own, *_made_trials(params), *speed_steps(own)]


def _order_trials(params: DataOrderParams) -> list[TrialSpec]:
    return [
        at_equal_flops(params, _trial(params, stages, seed, family="order", variant=variant))
        for variant, stages in orders(params).items()
        for seed in params.seeds
    ]


def _ladder_trials(params: DataOrderParams) -> list[TrialSpec]:
    only = (StageSpec(name=params.target, mixture={params.target: 1.0}),)
    return [
        _trial(
            params, only, seed, tokens=round(share * params.train_tokens),
            family="ladder", variant=f"{params.target} only x{share:g}",
        )
        for share in sorted(params.ladder)  # the whole share is among the orders
        for seed in params.seeds
    ]  # fmt: skip


def baselines(params: DataOrderParams, steps: Sequence[Step]) -> list[TrialSpec]:
    """The target alone."""
    return at_each_size(steps, "order", f"{params.target} only")


def orders(params: DataOrderParams) -> dict[str, tuple[StageSpec, ...]]:
    """The stages of every order, by its name in tables."""
    target, helpers = params.target, params.helpers
    names = "+".join(helpers)
    first = StageSpec(name=names, fraction=params.first_share, mixture=helpers)
    second = StageSpec(name=target, mixture={target: 1.0})
    found: dict[str, tuple[StageSpec, ...]] = {
        f"{target} only": (second,),
        "mixed": (StageSpec(name="mixed", mixture=params.mixture),),
        f"{names}→{target}": (first, second),
        f"{names}→{target}, re-warmed": (first, second.replace(learning_rate="rewarm")),
    }
    for share in params.replay:
        replayed = second.replace(mixture=_with_replay(target, helpers, share))
        found[f"{names}→{target}, replay {100 * share:g} %"] = (first, replayed)
        found[f"{names}→{target}, re-warmed, replay {100 * share:g} %"] = (
            first,
            replayed.replace(learning_rate="rewarm"),
        )
    if params.by_length:
        found["short documents first"] = (second.replace(order="short_first"),)
        found["long documents first"] = (second.replace(order="long_first"),)
    if params.contexts:
        lengths = [*sorted(params.contexts), params.seq_len]
        growing = [
            StageSpec(
                name=f"context {length}", mixture={target: 1.0},
                # The whole context is the model's own, also of another model that is given these stages.
                **({"seq_len": length, "fraction": 1 / len(lengths)} if length != params.seq_len else {}),
            )
            for length in lengths
        ]  # fmt: skip
        found["short context first"] = tuple(growing)
        found["long context first"] = tuple(reversed(growing))
    return found


def _with_replay(target: str, helpers: dict[str, float], share: float) -> dict[str, float]:
    total = sum(helpers.values())
    return {target: 1.0 - share} | {label: share * weight / total for label, weight in helpers.items()}


def made_text(params: DataOrderParams) -> dict[str, MadeText]:
    """The steps that make text, by method; a trial's seed does not matter to what is rewritten."""
    return {
        "sampled": MadeText(sampled_from=generator(params), how=params.sampling.model_dump(mode="json")),
        "rewritten": MadeText(
            rewritten_from=scarce_data(params), source=params.scarce.label, how={"rules": list(params.rewrite_rules)}
        ),
    }


def scarce_data(params: DataOrderParams, made: Mapping[str, MadeText] | None = None) -> DataSpec:
    """The study's data with the scarce source beside it, and made text; validation and tokenizer stay the same."""
    added = [params.scarce.replace(auxiliary=True)]
    for method, step in (made or {}).items():
        added.append(SourceSpec(kind="generated", name=method, auxiliary=True, options={"made": step.hash}))
    return params.data.replace(sources=(*params.data.sources, *added))


def generator(params: DataOrderParams) -> TrialSpec:
    """The trial whose model writes: on scarce text alone, first seed, its last state kept."""
    trial = _made_trial(params, scarce_data(params), "none", 0.0, params.seeds[0])
    return trial.replace(checkpoint_every=trial.train_steps)


def _made_trials(params: DataOrderParams) -> list[Step]:
    if params.scarce is None:
        return []
    plain, made = scarce_data(params), made_text(params)
    enriched = scarce_data(params, made)
    steps: list[Step] = [generator(params), *made.values()]
    steps += [_made_trial(params, plain, "none", 0.0, seed) for seed in params.seeds[1:]]
    for method in made:
        for ratio in sorted(params.made_ratios):
            steps += [_made_trial(params, enriched, method, ratio, seed) for seed in params.seeds]
    return steps


def _made_trial(params: DataOrderParams, data: DataSpec, kind: str, ratio: float, seed: int) -> TrialSpec:
    mixture = {params.scarce.label: 1.0 - ratio} | ({kind: ratio} if ratio else {})
    variant = f"{kind} {100 * ratio:g} %" if ratio else "scarce text alone"
    return _trial(
        params, (StageSpec(name="scarce", mixture=mixture),), seed, tokens=params.scarce_tokens, data=data,
        family="made", variant=variant, kind=kind, ratio=ratio,
    )  # fmt: skip


def _trial(
    params: DataOrderParams, stages: tuple[StageSpec, ...], seed: int,
    *, tokens: int | None = None, data: DataSpec | None = None, **tags: Any,
) -> TrialSpec:  # fmt: skip
    model = params.model(params.data.tokenizer.vocab_size)
    steps = params.steps_of(tokens or params.train_tokens)
    probes = params.probes if tags["family"] == "order" else ()
    trial = params.trial(model, seed, steps, data=data, stages=stages, probes=probes, tags=tags)
    label = {"size": params.size, "target_tokens": target_tokens(trial, params.target)}
    return trial.replace(tags=label | tags)


def at_equal_flops(params: DataOrderParams, trial: TrialSpec) -> TrialSpec:
    """``trial`` with the steps that spend what ``train_tokens`` of the whole context do; shorter contexts are cheaper."""
    wanted = flops_per_token(trial.model) * trial.train_tokens
    # Stages are cut at whole steps, so cost is not quite proportional to length: look at the neighbours too.
    near = round(trial.train_steps * wanted / training_flops(trial))
    tried = [trial.replace(train_steps=steps) for steps in range(max(2, near - 2), near + 3)]
    best = min(tried, key=lambda one: abs(training_flops(one) - wanted))
    if best.train_steps == trial.train_steps:
        return trial
    return best.replace(tags=best.tags | {"target_tokens": target_tokens(best, params.target)})


def target_tokens(trial: TrialSpec, target: str) -> int:
    """Training tokens of the target, to a sequence or two."""
    own = {source.label: source.weight for source in trial.data.sources}
    total = 0.0
    for stage, start, end in zip(trial.stages, (0, *trial.stage_ends[:-1]), trial.stage_ends, strict=True):
        mixture = stage.mixture or own
        total += (end - start) * trial.tokens_per_step * mixture.get(target, 0.0) / sum(mixture.values())
    return round(total)
