"""Numbers that only idea 9 needs."""

from __future__ import annotations

from statistics import fmean

import polars as pl

from studylib import analysis
from studylib.findings import AtFault, HeldTogether
from studylib.findings.at_fault import LeftOutOne, WithoutOne
from studylib.findings.held_together import ChosenPart, NotMade, TunedRate
from studylib.ideas._shared.variants import BASELINE
from studylib.ideas.decision.combined import Combined
from studylib.ideas.decision.held import Held
from studylib.ideas.decision.schema import DecisionParams
from studylib.ideas.decision.trials import RACE, TOGETHER
from studylib.numbers import percent, short
from studylib.recipe import Recipe, read_choices
from studylib.recipe.lines import shown
from studylib.result import AtFaultChoice, FailedTogether


def held_together(trials: pl.DataFrame, held: Held) -> HeldTogether:
    """All choices together against the sum of their effects alone; ``trials``: those of the race, sizes rising."""
    combined = held.combined
    alone = [one.alone for one in combined.parts]
    mean, sd = analysis.sum_of_effects(alone)
    parts = [
        ChosenPart(idea=one.idea, value=one.name, instead_of=one.instead_of, effect=own.interval, params=one.params)
        for one, own in zip(combined.parts, alone, strict=True)
    ]
    rates = sorted(held.rates)
    return HeldTogether.of(
        analysis.hold_together(trials, BASELINE, TOGETHER, alone),
        parts,
        analysis.Alone("sum", mean, sd, "", 0.0, 1).interval,
        [NotMade(idea=one.idea, choice=one.choice, why=one.why) for one in combined.left_out],
        combined.missing,
        TunedRate(factor=held.lr_factor, tried=tuple(rates), at_edge=held.lr_factor in (rates[0], rates[-1]))
        if rates
        else None,
    )


def at_fault(together: HeldTogether, held: Held) -> AtFault | None:
    """Which choices are at fault; None where they do not fail together."""
    if not held.fails:
        return None
    out = [
        LeftOutOne(
            value=one.part.brief, idea=one.part.idea, rest=fmean(one.rest), seeds=len(one.rest), alone=held.alone[one.part.name],
            instead=tuple(other.brief for other in one.instead),
            tried=tuple(WithoutOne(value=part.brief, rest=rest, alone=held.alone[part.name]) for part, rest in one.tried),
        )
        for one in held.out
    ]  # fmt: skip
    size = short(held.params.held_at[0])
    measured = next((one.measured for one in together.sizes if one.size == size), None)
    return AtFault.of(size, measured, together.predicted[1], held.sum_there, bool(held.clash), out, held.holds)


def failed_together(held: Held) -> FailedTogether | None:
    """The same for ``result.json``."""
    if not held.fails:
        return None
    found = []
    for one in held.out:
        field, value = next(iter(one.part.changes.items()))
        found.append(
            AtFaultChoice(
                idea=one.part.idea, choice=one.part.choice, name=one.part.brief, field=field, value=value,
                alone_percent=held.alone[one.part.name], rest_percent=fmean(one.rest),
            )
        )  # fmt: skip
    return FailedTogether(
        size=short(held.params.held_at[0]),
        percent=fmean(held.differences) if held.differences else None,
        sum_percent=analysis.sum_of_effects([one.alone for one in held.combined.parts])[0],
        sum_there_percent=held.sum_there,
        clash=held.clash,
        at_fault=tuple(found),
        rest_holds=held.holds,
    )


def combined_table(combined: Combined) -> pl.DataFrame:
    """A row a choice of the other ideas: what is made of it at small sizes."""
    return pl.DataFrame(combined.rows(), infer_schema_length=None)


def noise_of(trials: pl.DataFrame) -> analysis.NoiseFloor:
    """Of the race at its largest size; where nothing was put together, of the baseline's lengths at the largest size."""
    race = trials.filter(pl.col("family") == RACE)
    raced = race.filter(pl.col("size").is_in(race.filter(pl.col("variant") == TOGETHER)["size"].unique().to_list()))
    if TOGETHER in analysis.finished_variants(raced):
        return analysis.noise_floor(raced)
    of_length = pl.format("{} tokens", pl.col("tokens")).alias("variant")
    return analysis.noise_floor(trials.filter(pl.col("variant") == BASELINE).with_columns(of_length))


def lines_table(recipe: Recipe) -> pl.DataFrame:
    """A row a line of the recipe: value, how sure it is at the target, what that costs, and on what it stands."""
    rows = [
        {
            "training": one.phase, "line": one.name.en, "field": one.field, "value": shown(one.value), "own trials lean to": shown(one.own_value),
            "P(best)": "" if one.p_best is None else percent(one.p_best), "expected regret, percent": one.regret_percent,
            "in GPU-hours": one.regret_gpu_hours, "state": "decided" if one.decided else "open" if one.idea else "taken over",
            "evidence": one.evidence, "idea": one.idea, "sizes": ", ".join(one.sizes),
            "source": "" if one.source is None else one.source.en, "conflict": "" if one.conflict is None else one.conflict.en,
        }
        for one in recipe.lines
    ]  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def times_the_largest(params: DecisionParams, recipe: Recipe) -> float:
    """How many times as large the model that is to be built is as the largest at which an idea compared its choices; where none did,
    as this idea's largest."""
    choices = read_choices(params.folder)
    sizes = [one.params for settings in choices.settings.values() for one in settings if one.params is not None]
    return recipe.non_embedding_params / max(sizes, default=float(max(params.budgets)))
