"""Optimizers, each tuned with the same budget before it is compared."""

from __future__ import annotations

import math
from typing import Any

from studylib.ideas.hyperparameters.recipe import RATE, at, base, with_tags
from studylib.ideas.hyperparameters.schema import HyperparametersParams
from studylib.spec import Axis, OptimizerSpec, SearchSpec, TrialSpec

UNTUNED = "adamw, default rate"


def tuning(params: HyperparametersParams, name: str, width: int) -> tuple[TrialSpec, SearchSpec]:
    """The search of one optimizer at one width: every optimizer has a space of the same size and as many points."""
    fields = dict(params.optimizers[name])
    middle, half = float(fields.pop("learning_rate")), math.sqrt(params.tuning.span)
    trial = base(params, width, params.tuning.seed).replace(eval_every=0, optimizer=OptimizerSpec(name=name, **fields))
    rate = Axis(low=middle / half, high=middle * half, points=params.tuning.points)
    points = None if params.tuning.sampler == "grid" else params.tuning.points
    search = SearchSpec(
        space={RATE: rate} | params.tuning.also, sampler=params.tuning.sampler, points=points, rungs=params.tuning.rungs
    )
    return trial, search


def timed_trials(params: HyperparametersParams) -> list[TrialSpec]:
    """Of every optimizer that is compared a trial at every width: an optimizer that thinks longer about a step pays for it."""
    tuned = [
        with_tags(tuning(params, name, width)[0], family="optimizer", variant=name)
        for width in params.compare_at
        for name in params.optimizers
    ]
    return [*tuned, *(one for one in untuned_trials(params) if one.seed == params.seeds[0])]


def untuned_trials(params: HyperparametersParams) -> list[TrialSpec]:
    """AdamW as torch has it: what a new optimizer must not be compared with."""
    point = {RATE: params.default_rate}
    return [
        at(base(params, width, seed), point, family="optimizer", variant=UNTUNED)
        for width in params.compare_at
        for seed in params.seeds
    ]


def compared_trials(params: HyperparametersParams, tuned: dict[tuple[str, int], dict[str, Any]]) -> list[TrialSpec]:
    """Every optimizer at the point found for it, on seeds that the search has not seen; and the ladder of AdamW.

    ``tuned`` holds the point by optimizer and width; an optimizer whose search found none is left out.
    """
    specs = []
    for (name, width), point in tuned.items():
        arm, _ = tuning(params, name, width)
        lengths = [1.0, *(params.ladder if name == "adamw" else ())]
        for length in lengths:
            for seed in params.seeds:
                trial = base(params, width, seed).replace(optimizer=arm.optimizer)
                trial = at(trial, point, family="optimizer", variant=name)
                if length != 1.0:
                    steps = params.steps_of(length * params.train_tokens)
                    trial = trial.replace(train_steps=steps, eval_every=0)
                    trial = with_tags(trial, family="ladder", variant=f"adamw x{length:g}")
                specs.append(trial)
    return specs
