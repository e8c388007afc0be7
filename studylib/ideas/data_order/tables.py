"""Idea 4's tables: losses of the target, stage borders, facts, and loss by position."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import polars as pl
from scipy import stats

from studylib.analysis import Moved, accountings, estimate
from studylib.analysis.decision import Basis
from studylib.ideas.data_order.schema import DataOrderParams
from studylib.ideas.data_order.trials import orders
from studylib.spec import TrialSpec

_SPREAD = 0.3  # of the orders' slopes of log loss


def on_target(trials: pl.DataFrame, target: str) -> pl.DataFrame:
    """The trials judged by the target alone: ``val_bpb`` and ``val_loss`` are that source's."""
    return trials.with_columns(
        pl.col(f"val_bpb/{target}").alias("val_bpb"), pl.col(f"val_loss/{target}").alias("val_loss")
    )


def order_accountings(
    compared: pl.DataFrame, ladder: pl.DataFrame, baseline: str, speeds: Mapping[str, Sequence[float]]
) -> dict[Basis, Moved]:
    """Equal FLOPs, equal seconds and equal tokens of the target, moved along the ladder of the target alone.

    Orders read other text, so how fast each falls with tokens may differ by more than between models. At equal target tokens
    the geometric mean of the orders is the reference: half of the target in some would be too far from all of it.
    """
    lengths = ladder.with_columns(pl.lit(baseline).alias("variant"))
    found = accountings(
        compared, lengths, reference=baseline, speeds=speeds, bases=("flops", "seconds"), spread=_SPREAD
    )  # fmt: skip
    return found | accountings(compared, lengths, bases=("target_tokens",), spread=_SPREAD)


def kinds_of_orders(params: DataOrderParams) -> dict[str, list[str]]:
    """The orders but the target alone: those with other sources, and those that sort the target's own text."""
    baseline, *others = orders(params)
    own = [
        name for name in others if all(set(stage.mixture or ()) == {params.target} for stage in orders(params)[name])
    ]
    return {"with other text": [name for name in others if name not in own], f"{baseline}, sorted": own}


def with_means(trials: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
    """Columns averaged over a variant's seeds at each size, under the names that a table shows."""
    return trials.with_columns(pl.col(old).mean().over("size", "variant").alias(new) for new, old in columns.items())


def borders(specs: Sequence[TrialSpec]) -> dict[str, list[int]]:
    """Tokens at which each variant's stages end, the last end left out."""
    return {
        spec.tags["variant"]: [end * spec.tokens_per_step for end in spec.stage_ends[:-1]]
        for spec in specs
        if spec.tags["family"] == "order"
    }


def facts_table(facts: pl.DataFrame) -> pl.DataFrame:
    """At the end of training: mean accuracy and margin by variant and group.

    The margin's interval holds for all variants of a group together with 95 % (Bonferroni), and covers the seeds as well
    as the questions: other questions might have come out otherwise.
    """
    last = facts.filter(pl.col("step") == pl.col("step").max().over("hash"))
    rows = []
    for (variant, group), own in last.group_by(["variant", "group"], maintain_order=True):
        confidence = 1 - 0.05 / last["variant"].n_unique()
        mean, (low, _) = estimate(own["margin"].to_numpy(), confidence=confidence)
        questions = float(stats.norm.ppf((1 + confidence) / 2)) * float(own["error"].mean())
        half = math.hypot(mean - low, questions)
        rows.append({
            "variant": variant, "group": group, "accuracy": own["accuracy"].mean(), "margin": mean, "low": mean - half, "high": mean + half,
            "chance": own["chance"][0], "questions": own["questions"][0],
        })  # fmt: skip
    return pl.DataFrame(rows)


def position_table(rows: pl.DataFrame, baseline: str) -> pl.DataFrame:
    """Difference to ``baseline`` at the same seed, early (first quarter of the context) and late (second half)."""
    base = rows.filter(pl.col("variant") == baseline).select("seed", "start", "stop", pl.col("loss").alias("base"))
    both = rows.join(base, on=["seed", "start", "stop"]).with_columns(
        (pl.col("loss") - pl.col("base")).alias("difference")
    )
    length, width = pl.col("stop").max(), pl.col("stop") - pl.col("start")

    def part(inside: pl.Expr) -> pl.Expr:
        return (pl.col("difference") * width).filter(inside).sum() / width.filter(inside).sum()

    found = both.group_by("variant", maintain_order=True).agg(
        part(pl.col("stop") <= length / 4).alias("early"), part(pl.col("start") >= length / 2).alias("late")
    )
    return found.filter(pl.col("variant") != baseline)
