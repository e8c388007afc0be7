"""What idea 7 trains, by family; all but the later rounds of searches is known beforehand."""

from __future__ import annotations

from collections.abc import Sequence

from studylib.ideas._training import equal_flops_steps
from studylib.ideas.hyperparameters.optimizers import timed_trials, tuning, untuned_trials
from studylib.ideas.hyperparameters.recipe import RATE, at, base, labelled, with_tags
from studylib.ideas.hyperparameters.schema import HyperparametersParams
from studylib.registry import OBJECTIVES
from studylib.search import first_trials, trial_at
from studylib.spec import (
    ComputeSpec,
    CoordinateSpec,
    ObjectiveSpec,
    ParallelSpec,
    ScheduleSpec,
    SearchSpec,
    Step,
    TrialSpec,
)
from studylib.spec.setting import field_label
from studylib.trials.speeds import speed_steps
from studylib.trials.trunk import trunk_and_branches

_CHECKED_WIDTH = 512


def plan(params: HyperparametersParams) -> list[Step]:
    """`trials`, how activations grow with the width, and how fast each optimizer is."""
    return [*trials(params), *coordinate_steps(params), *speed_steps(timed_trials(params))]


def trials(params: HyperparametersParams) -> list[TrialSpec]:
    """What is known beforehand: all but the later rounds of searches and what is trained at rates that they find."""
    specs = transfer_trials(params) + untuned_trials(params)
    for width in params.compare_at:
        for name in params.optimizers:
            specs += labelled(first_trials(*tuning(params, name, width)), family="tuning", variant=name)
    specs += factor_trials(params) + batch_trials(params) + schedule_trials(params)
    specs += epoch_trials(params) + dropout_trials(params) + objective_trials(params)
    if params.pruned is not None:
        for kind, search in (("grid", grid_of(params.pruned)), ("pruned", params.pruned)):
            specs += labelled(first_trials(searched(params), search), family="search", variant=kind)
    if params.explored is not None:
        specs += labelled(first_trials(searched(params), params.explored), family="search", variant="explored")
    return specs


def coordinate_steps(params: HyperparametersParams) -> list[CoordinateSpec]:
    """The coordinate check of every parametrisation that is swept over widths, on a small batch and one CPU.

    Widths beyond 512 are left out, so that it stays a matter of seconds on any machine.
    """
    widths = tuple(width for width in sorted(params.widths) if width <= _CHECKED_WIDTH)
    if len(widths) < 2:
        return []
    trial = base(params, widths[0], params.seeds[0]).replace(
        global_batch_size=4, parallel=ParallelSpec(), compute=ComputeSpec(device="cpu", compile="none")
    )
    found = []
    for init, axis in params.rates.items():
        small = {"model.init": init, "model.seq_len": min(params.seq_len, 64), RATE: axis.grid[len(axis.grid) // 2]}
        found.append(CoordinateSpec(trial=trial_at(trial, small), widths=widths, seeds=tuple(params.seeds)))
    return found


def baselines(params: HyperparametersParams, steps: Sequence[Step]) -> list[TrialSpec]:
    """The common recipe, whole run."""
    return [base(params, params.hidden_size, params.seeds[0], variant="common recipe")]


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
                    about = {"factor": field_label(key), "value": str(value), "lr_factor": lr_factor}
                    one = at(trial, point, family="factor", variant=f"{field_label(key)} {value}", **about)
                    specs.append(one.replace(train_steps=equal_flops_steps(one.train_steps, trial.model, one.model)))
    return specs


def batch_trials(params: HyperparametersParams) -> list[TrialSpec]:
    """Every batch at every length of run and width, at equal tokens, each at several rates about the rule's."""
    if params.batches is None:
        return []
    specs, asked = [], params.batches
    for width in asked.widths or (params.hidden_size,):
        for factor in asked.token_factors:
            for size in asked.sizes:
                tokens = size * params.seq_len
                rule = params.learning_rate * (size / params.global_batch_size) ** asked.rate_exponent
                about = {"family": "batch", "variant": f"batch {size}", "batch_tokens": tokens, "tokens_x": factor}
                for lr_factor in asked.lr_factors:
                    for seed in params.seeds:
                        trial = base(params, width, seed, **about, lr_factor=lr_factor)
                        point = {"global_batch_size": size, RATE: float(f"{rule * lr_factor:.4g}")}
                        steps = max(2, round(factor * params.train_tokens / tokens))
                        specs.append(at(trial, point).replace(train_steps=steps, eval_every=0))
    return specs


def schedule_trials(params: HyperparametersParams) -> list[TrialSpec]:
    """A cosine run for every budget, and the same budgets as cooldowns of one trunk."""
    specs = []
    lengths = {max(2, round(share * params.steps)): share for share in sorted(params.budgets)}
    for seed in params.seeds if lengths else ():
        trial = base(params, params.hidden_size, seed, family="schedule")
        for steps, share in lengths.items():
            specs.append(
                with_tags(
                    trial.replace(train_steps=steps), variant=f"cosine x{share:g}", schedule="cosine", share=share
                )
            )
        stable = trial.replace(schedule=ScheduleSpec(name="wsd", warmup_steps=params.warmup_steps))
        trunk, *branches = trunk_and_branches(stable, list(lengths))
        specs.append(with_tags(trunk, variant="trunk", schedule="trunk", share=max(params.budgets)))
        for branch in branches:
            share = lengths[branch.train_steps]
            about = {"schedule": "wsd", "share": share, "starts": branch.branch_step * branch.tokens_per_step}
            specs.append(with_tags(branch, variant=f"cooldown x{share:g}", **about))
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


def dropout_trials(params: HyperparametersParams) -> list[TrialSpec]:
    """The runs on repeated text once more, with dropout."""
    return [
        at(
            trial,
            {"model.dropout": share},
            family="dropout",
            variant=f"{trial.tags['variant']}, dropout {share:g}",
            dropout=share,
        )
        for trial in epoch_trials(params)
        for share in params.dropouts
    ]


def _times(count: int) -> str:
    return f"{count} epoch{'s' if count > 1 else ''}"


def objective_trials(params: HyperparametersParams) -> list[TrialSpec]:
    """Every objective at several rates, on a vocabulary that has room for the extra tokens of all: the models are alike.

    Objectives differ in how many positions carry loss, so one rate would not be fair to all.
    """
    specs = []
    wanted = {name: ObjectiveSpec(name=name, **options) for name, options in params.objectives.items()}
    room = max((OBJECTIVES[name](one).extra_tokens(params.seq_len) for name, one in wanted.items()), default=0)
    vocab_size = -(-(params.data.tokenizer.vocab_size + room) // 8) * 8
    for name, objective in wanted.items():
        for lr_factor in params.objective_lr_factors:
            point = {RATE: float(f"{params.learning_rate * lr_factor:.4g}"), "model.vocab_size": vocab_size}
            for seed in params.seeds:
                trial = at(base(params, params.hidden_size, seed), point)
                trial = trial.replace(objective=objective, probes=("infilling",))
                specs.append(with_tags(trial, family="objective", variant=name, lr_factor=lr_factor))
    return specs


def searched(params: HyperparametersParams) -> TrialSpec:
    """What is searched: under a trunk schedule, so that a rung goes on where the one before stopped."""
    trial = base(params, params.hidden_size, params.tuning.seed).replace(eval_every=0)
    return trial.replace(schedule=ScheduleSpec(name="wsd", warmup_steps=params.warmup_steps))


def grid_of(search: SearchSpec) -> SearchSpec:
    """All of the space's grid, each on the whole budget."""
    return SearchSpec(space=search.space)
