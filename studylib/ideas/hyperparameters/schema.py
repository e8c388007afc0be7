"""Idea 7: how to train? Optimizer, learning rate, schedule, batch, decay, epochs and objective, each tuned before it is judged."""

from __future__ import annotations

import math
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from studylib.errors import invalid
from studylib.ideas._idea import Idea
from studylib.ideas._training import TrainingParams, size_label
from studylib.model.cost import parameter_count
from studylib.registry import INITS, OBJECTIVES, OPTIMIZERS, SAMPLERS
from studylib.result import Text
from studylib.search import first_trials, trial_at
from studylib.spec import (
    Above0,
    Axis,
    Count,
    Frozen,
    ModelSpec,
    ObjectiveSpec,
    OptimizerSpec,
    Positive,
    ScheduleSpec,
    SearchSpec,
    TrialSpec,
    choice_of,
)
from studylib.spec.base import as_number
from studylib.spec.search import Share, Value
from studylib.trials.trunk import trunk_and_branches

__all__ = ["hyperparameters"]

RATE = "optimizer.learning_rate"
UNTUNED = "adamw, default rate"


class Tuning(Frozen):
    """The budget that every optimizer gets before it is compared."""

    span: Annotated[float, BeforeValidator(as_number), Field(gt=1)] = Field(
        default=16.0, description="greatest over least learning rate tried"
    )
    points: Positive = Field(default=5, description="points tried")
    also: dict[str, Axis] = Field(default_factory=dict, description="further fields tuned")
    sampler: choice_of(SAMPLERS) = "grid"
    rungs: tuple[Share, ...] = Field(default=(1.0,), description="shares of the run on which points are judged")
    seed: Count = Field(default=1000, description="not among seeds: what is tuned on is not judged on")


class HyperparametersParams(TrainingParams):
    """Keys of ``params/<scale>/hyperparameters.yaml``."""

    num_layers: Positive = 2
    head_dim: Positive = 16
    hidden_size: Positive = Field(default=32, description="at which everything but transfer is studied")
    train_tokens: Positive = 262_144
    widths: tuple[Positive, ...] = Field(default=(32, 64, 128), description="over which the best rate should stay")
    rates: dict[choice_of(INITS), Axis] = Field(
        default_factory=lambda: {"completep": Axis(low=1e-3, high=1.6e-2, points=5)},
        description="learning rates tried at every width, by parametrisation",
    )
    inits: dict[choice_of(INITS), Axis] = Field(
        default_factory=dict, description="further parametrisations, swept at hidden_size only"
    )
    token_factors: tuple[Above0, ...] = Field(default=(1.0,), description="budgets at which the rate is swept")
    optimizers: dict[choice_of(OPTIMIZERS), dict[str, Value]] = Field(
        default_factory=lambda: {"adamw": {"learning_rate": 4e-3}, "muon": {"learning_rate": 4e-3}},
        description="fields of each; its learning_rate is the middle of what is tried",
    )
    compare_at: tuple[Positive, ...] = Field(default=(32, 64), description="widths at which optimizers are compared")
    tuning: Tuning = Tuning()
    default_rate: Above0 = Field(default=1e-3, description="torch's for AdamW: the untuned baseline")
    ladder: tuple[Above0, ...] = Field(default=(), description="other lengths of tuned AdamW, to value gains in tokens")
    factors: dict[str, tuple[Value, ...]] = Field(default_factory=dict, description="one field at a time")
    tuned_factors: dict[str, tuple[Value, ...]] = Field(
        default_factory=dict, description="as factors, each value at several learning rates"
    )
    lr_factors: tuple[Above0, ...] = Field(default=(0.5, 1.0, 2.0), description="those rates, as multiples")
    budgets: tuple[Share, ...] = Field(
        default=(), description="lengths of run: a cosine each, and one trunk's cooldowns"
    )
    warmup_steps: Positive = Field(default=10, description="of the trunk")
    epochs: tuple[Positive, ...] = Field(default=(), description="times that the text is seen, at equal tokens")
    objectives: dict[choice_of(OBJECTIVES), dict[str, Any]] = Field(default_factory=dict, description="options of each")
    pruned: SearchSpec | None = Field(default=None, description="held against the grid of its own space")
    explored: SearchSpec | None = Field(default=None, description="many fields at once: which of them matters")
    target_params: Above0 = 1e10
    target_tokens: Above0 = 2e11

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(set(self.widths)) < 3:
            raise invalid("widths", self.widths, "must be 3 different ones at least, or nothing is seen to transfer")
        for name in ("widths", "compare_at"):
            for width in getattr(self, name):
                if width % self.head_dim:
                    raise invalid(name, width, f"is not a multiple of head_dim {self.head_dim}")
        for name in ("hidden_size", "compare_at"):
            for width in (self.hidden_size,) if name == "hidden_size" else self.compare_at:
                if width not in self.widths:
                    raise invalid(name, width, "is not among widths", choices=self.widths)
        if "adamw" not in self.optimizers:
            raise invalid("optimizers", list(self.optimizers), "leaves out adamw, which the others are held against")
        for name, fields in self.optimizers.items():
            if "learning_rate" not in fields:
                raise invalid(f"optimizers.{name}", fields, "has no learning_rate, the middle of what is tried")
        counts = {name: len(axis.grid) for name, axis in (self.rates | self.inits).items()}
        if not self.rates or len(set(counts.values())) > 1:
            raise invalid(
                "rates", counts, "must name a parametrisation, and all must have as many points: equal budgets"
            )
        if self.tuning.seed in self.seeds:
            raise invalid("tuning.seed", self.tuning.seed, "is among seeds: what is tuned on would be judged on")
        if self.epochs and 1 not in self.epochs:
            raise invalid("epochs", self.epochs, "leave out 1, fresh text throughout")
        if self.objectives and "causal" not in self.objectives:
            raise invalid("objectives", list(self.objectives), "leave out causal, which the others are held against")
        if 1.0 not in self.lr_factors:
            raise invalid("lr_factors", self.lr_factors, "leave out 1, the common rate")
        return self

    @property
    def steps(self) -> int:
        return self.steps_of(self.train_tokens)


def plan(params: HyperparametersParams) -> list[TrialSpec]:
    """What is known beforehand: all but the later rounds of searches and what is trained at rates that they find."""
    specs = transfer_trials(params) + untuned_trials(params)
    for width in params.compare_at:
        for name in params.optimizers:
            specs += _labelled(first_trials(*tuning(params, name, width)), family="tuning", variant=name)
    specs += factor_trials(params) + schedule_trials(params) + epoch_trials(params)
    specs += objective_trials(params)
    if params.pruned is not None:
        for kind, search in (("grid", grid_of(params.pruned)), ("pruned", params.pruned)):
            specs += _labelled(first_trials(searched(params), search), family="search", variant=kind)
    if params.explored is not None:
        specs += _labelled(first_trials(searched(params), params.explored), family="search", variant="explored")
    return specs


def model_of(params: HyperparametersParams, width: int, **changes: Any) -> ModelSpec:
    settings = {"vocab_size": params.data.tokenizer.vocab_size, "seq_len": params.seq_len} | changes
    return ModelSpec(num_layers=params.num_layers, hidden_size=width, num_heads=width // params.head_dim, **settings)


def base(params: HyperparametersParams, width: int, seed: int, **tags: Any) -> TrialSpec:
    """The trial that every other changes in one thing."""
    model = model_of(params, width)
    size = size_label(parameter_count(model).non_embedding)
    label = {"size": size, "width": width, "lr_factor": 1.0, "learning_rate": params.learning_rate}
    return params.trial(model, seed, params.steps, tags=label | tags)


def at(trial: TrialSpec, point: dict[str, Any], **tags: Any) -> TrialSpec:
    return _with_tags(trial_at(trial, point), **tags)


def _with_tags(trial: TrialSpec, **tags: Any) -> TrialSpec:
    rate = {"learning_rate": trial.optimizer.learning_rate}
    return trial.replace(tags=trial.tags | rate | tags)


def _labelled(trials: list[TrialSpec], **tags: Any) -> list[TrialSpec]:
    return [_with_tags(trial, **tags) for trial in trials]


def transfer_trials(params: HyperparametersParams) -> list[TrialSpec]:
    """The learning rate swept at every width by parametrisation, for the first one also at other budgets."""
    specs = []
    for place, (init, axis) in enumerate((params.rates | params.inits).items()):
        cells = [(width, 1.0) for width in (params.widths if init in params.rates else (params.hidden_size,))]
        if place == 0:
            cells += [(width, factor) for width in params.widths for factor in params.token_factors if factor != 1.0]
        for width, factor in cells:
            for rate in axis.grid:
                for seed in params.seeds:
                    trial = base(
                        params, width, seed, family="transfer", variant=f"{rate:g}", init=init, tokens_x=factor
                    )
                    steps = params.steps_of(factor * params.train_tokens)
                    point = {"model.init": init, RATE: rate}
                    specs.append(at(trial.replace(train_steps=steps, eval_every=0), point))
    return specs


# --- optimizers, each tuned with the same budget before it is compared


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
                    trial = _with_tags(trial, family="ladder", variant=f"adamw x{length:g}")
                specs.append(trial)
    return specs


# --- one thing at a time


def short(key: str) -> str:
    """``schedule.warmup_fraction`` as tables have it."""
    owner, _, field = key.rpartition(".")
    return owner.split(".")[-1] if field == "name" else field


def factor_trials(params: HyperparametersParams) -> list[TrialSpec]:
    """Each value of each factor, those of tuned factors at several rates."""
    specs = []
    for key, values in (params.factors | params.tuned_factors).items():
        rates = params.lr_factors if key in params.tuned_factors else (1.0,)
        for value in values:
            for lr_factor in rates:
                for seed in params.seeds:
                    trial = base(params, params.hidden_size, seed)
                    point = {key: value, RATE: float(f"{params.learning_rate * lr_factor:.4g}")}
                    about = {"factor": short(key), "value": str(value), "lr_factor": lr_factor}
                    specs.append(at(trial, point, family="factor", variant=f"{short(key)} {value}", **about))
    return specs


def schedule_trials(params: HyperparametersParams) -> list[TrialSpec]:
    """A cosine run for every budget, and the same budgets as cooldowns of one trunk."""
    specs = []
    lengths = {max(2, round(share * params.steps)): share for share in sorted(params.budgets)}
    for seed in params.seeds if lengths else ():
        trial = base(params, params.hidden_size, seed, family="schedule")
        for steps, share in lengths.items():
            specs.append(
                _with_tags(
                    trial.replace(train_steps=steps), variant=f"cosine x{share:g}", schedule="cosine", share=share
                )
            )
        stable = trial.replace(schedule=ScheduleSpec(name="wsd", warmup_steps=params.warmup_steps))
        trunk, *branches = trunk_and_branches(stable, list(lengths))
        specs.append(_with_tags(trunk, variant="trunk", schedule="trunk", share=max(params.budgets)))
        for branch in branches:
            share = lengths[branch.train_steps]
            about = {"schedule": "wsd", "share": share, "starts": branch.branch_step * branch.tokens_per_step}
            specs.append(_with_tags(branch, variant=f"cooldown x{share:g}", **about))
    return specs


def epoch_trials(params: HyperparametersParams) -> list[TrialSpec]:
    """The same number of tokens from less and less text."""
    return [
        at(
            base(params, params.hidden_size, seed),
            {"epochs": count},
            family="epochs",
            variant=_times(count),
            epochs=count,
        )
        for count in params.epochs
        for seed in params.seeds
    ]


def _times(count: int) -> str:
    return f"{count} epoch{'s' if count > 1 else ''}"


def objective_trials(params: HyperparametersParams) -> list[TrialSpec]:
    """Every objective on a vocabulary that has room for the extra tokens of all, so that the models are alike."""
    specs = []
    wanted = {name: ObjectiveSpec(name=name, options=options) for name, options in params.objectives.items()}
    room = max((OBJECTIVES[name](one.options).extra_tokens(params.seq_len) for name, one in wanted.items()), default=0)
    for name, objective in wanted.items():
        for seed in params.seeds:
            trial = base(params, params.hidden_size, seed)
            vocab_size = -(-(trial.model.vocab_size + room) // 8) * 8
            model = trial.model.replace(vocab_size=vocab_size)
            trial = trial.replace(model=model, objective=objective, probes=("infilling",))
            specs.append(_with_tags(trial, family="objective", variant=name))
    return specs


# --- searches


def searched(params: HyperparametersParams) -> TrialSpec:
    """What is searched: under a trunk schedule, so that a rung goes on where the one before stopped."""
    trial = base(params, params.hidden_size, params.tuning.seed).replace(eval_every=0)
    return trial.replace(schedule=ScheduleSpec(name="wsd", warmup_steps=params.warmup_steps))


def grid_of(search: SearchSpec) -> SearchSpec:
    """All of the space's grid, each on the whole budget."""
    return SearchSpec(space=search.space)


hyperparameters = Idea(
    name="hyperparameters",
    number=7,
    notebook="07_hyperparameters.ipynb",
    question=Text(
        en="Which optimizer, initialisation, learning rate, schedule, batch size, weight decay, number of epochs and "
        "objective should the 10B model be trained with?",
        ja="10B モデルは、どのオプティマイザ・初期化・学習率・スケジュール・バッチサイズ・重み減衰・エポック数・学習目的で学習させるべきか。",
    ),
    params=HyperparametersParams,
    plan=plan,
)
