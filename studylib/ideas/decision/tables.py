"""Numbers that only idea 9 needs."""

from __future__ import annotations

import polars as pl

from studylib import analysis
from studylib.findings import HeldTogether
from studylib.findings.held_together import ChosenPart, NotMade
from studylib.ideas._shared.variants import BASELINE
from studylib.ideas.decision.combined import Combined
from studylib.ideas.decision.schema import DecisionParams
from studylib.ideas.decision.trials import RACE, TOGETHER
from studylib.numbers import percent
from studylib.recipe import Recipe, read_choices
from studylib.recipe.lines import shown


def held_together(trials: pl.DataFrame, combined: Combined) -> HeldTogether:
    """All choices together against the sum of their effects alone; ``trials``: those of the race, sizes rising."""
    alone = [
        analysis.Alone(one.name, one.effect, one.sd, f"{one.idea} {one.params:.0f}", one.noise, one.seeds)
        for one in combined.parts
    ]
    mean, sd = analysis.sum_of_effects(alone)
    parts = [
        ChosenPart(idea=one.idea, value=one.name, instead_of=one.instead_of, effect=own.interval, params=one.params)
        for one, own in zip(combined.parts, alone, strict=True)
    ]
    return HeldTogether.of(
        analysis.hold_together(trials, BASELINE, TOGETHER, alone),
        parts,
        analysis.Alone("sum", mean, sd, "", 0.0, 1).interval,
        [NotMade(idea=one.idea, choice=one.choice, why=one.why) for one in combined.left_out],
        combined.missing,
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
