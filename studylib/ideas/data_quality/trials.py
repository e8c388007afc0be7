"""The trials of idea 5: each step alone and all but it at equal tokens, false facts by rate, and (in a round) equal raw text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from studylib.ideas._training import at_each_size
from studylib.ideas.data_quality.schema import ALL, HARD, RAW, WEB, DataQualityParams
from studylib.registry import CLEANERS
from studylib.spec import CleanedText, CleanerSpec, DataSpec, StageSpec, Step, TrialSpec
from studylib.trials.speeds import speed_steps

Steps = tuple[CleanerSpec, ...]


def plan(params: DataQualityParams) -> list[Step]:
    """Every cleaning at equal tokens, at every size; at the largest rates of false facts, the text of the round at equal raw text, and how
    fast it trains."""
    *smaller, own = (_step_trials(one) for one in params.at_every_size)
    own += _false_facts_trials(params)
    return [*chain(*smaller), *own, *scarce_data(params).values(), *speed_steps(own)]


def _step_trials(params: DataQualityParams) -> list[TrialSpec]:
    asked = remembering(params)
    return [
        _trial(
            params, params.data_with(params.raw, steps), seed, probes=params.probes if variant in asked else (),
            family="step", variant=variant,
        )
        for variant, steps in variants(params).items()
        for seed in params.seeds
    ]  # fmt: skip


def baselines(params: DataQualityParams, steps: Sequence[Step]) -> list[TrialSpec]:
    """Web text as it comes."""
    return at_each_size(steps, "step", RAW)


def variants(params: DataQualityParams) -> dict[str, Steps]:
    """The cleaning of every variant, by its name in tables: none, each group alone, all but each, all."""
    groups = params.grouped
    alone = {f"only {name}": _of(params, own) for name, own in groups.items()}
    without = {f"all but {name}": _of(params, own, without=True) for name, own in groups.items()}
    found: dict[str, Steps] = {RAW: (), ALL: params.cleaning}
    for name, steps in (alone | without).items():
        if steps not in found.values():  # of one step or two, some are the same
            found[name] = steps
    return found


def remembering(params: DataQualityParams) -> list[str]:
    """The variants that are asked what they remember: none and all of the steps, and those about deduplication and masks."""
    about = [name for name, own in params.grouped.items() if purposes(own) <= {"deduplicate", "mask"}]
    names = [RAW, ALL, *(f"{how} {name}" for name in about for how in ("only", "all but"))]
    return [name for name in variants(params) if name in names]


def purposes(cleaners: Sequence[str]) -> set[str]:
    """What steps of these names are for: filter, correct, deduplicate, mask."""
    return {CLEANERS[cleaner].purpose for cleaner in cleaners}


def _of(params: DataQualityParams, names: Sequence[str], *, without: bool = False) -> Steps:
    return tuple(step for step in params.cleaning if (step.cleaner in names) != without)


def cleaned_text(params: DataQualityParams) -> CleanedText | None:
    """The step that has the whole funnel on record."""
    return params.data_with(params.raw, params.cleaning).texts[WEB].cleaned


def scarce_data(params: DataQualityParams) -> dict[str, DataSpec]:
    """What is left of one amount of raw text, by how it is cleaned; empty where that is not tried."""
    if params.scarce is None:
        return {}
    steps: dict[str, Steps] = {RAW: (), ALL: params.cleaning}
    if params.hard:
        harder = {step.cleaner: step for step in params.hard}
        steps[HARD] = tuple(harder.get(step.cleaner, step) for step in params.cleaning)
    return {name: params.data_with(params.scarce, own) for name, own in steps.items()}


def scarce_trials(params: DataQualityParams, tokens: Mapping[str, int]) -> list[TrialSpec]:
    """All that is left of it once, and again until the tokens of the raw text are full.

    Parameters
    ----------
    tokens
        Training tokens of each text, as they turned out.
    """
    found = []
    for name, data in scarce_data(params).items():
        times = tokens[RAW] / tokens[name]
        lengths = {f"{name}, once": (tokens[name], 1.0)}
        if times >= _WORTH_REPEATING:
            lengths[f"{name}, repeated"] = (tokens[RAW], times)
        for variant, (length, epochs) in lengths.items():
            tags = {"family": "raw text", "variant": variant, "text": name, "epochs": round(epochs, 2)}
            tags["left"] = round(1 / times, 4)
            steps = max(2, length // params.tokens_per_step)  # not a window more than there are
            found += [_trial(params, data, seed, steps=steps, **tags) for seed in params.seeds]
    return found


_WORTH_REPEATING = 1.02  # times; below, once and repeated are the same run


def _false_facts_trials(params: DataQualityParams) -> list[TrialSpec]:
    if params.told is None:
        return []
    found = []
    for share in params.false_facts:
        for text, (options, steps) in told_texts(params).items():
            source = params.told.replace(options=params.told.options | options | {"false_facts": share})
            tags = {
                "family": "false facts",
                "variant": f"{text}, {100 * share:g} % false",
                "text": text,
                "false_facts": share,
            }
            data = params.data_with(source, steps)
            found += [_trial(params, data, seed, probes=("falsehoods",), **tags) for seed in params.seeds]
    return found


def told_texts(params: DataQualityParams) -> dict[str, tuple[dict[str, Any], Steps]]:
    """Options of the source and cleaning of each text that tells false facts: as it comes, cleaned, and without noise at all."""
    return {RAW: ({}, ()), ALL: ({}, params.cleaning), "no noise": (_NO_NOISE, ())}


_NO_NOISE: dict[str, Any] = {"faults": {}, "boilerplate": 0.0, "personal": 0.0}


def _trial(params: DataQualityParams, data: DataSpec, seed: int, *, steps: int = 0, **changes: Any) -> TrialSpec:
    tags = {
        name: changes.pop(name)
        for name in ("family", "variant", "text", "false_facts", "epochs", "left")
        if name in changes
    }
    return params.trial(
        params.model(data.vocab_size), seed, steps or params.steps_of(params.train_tokens), data=data,
        stages=(StageSpec(name=WEB, mixture={WEB: 1.0}),),
        tags={"size": params.size} | tags, **changes,
    )  # fmt: skip
