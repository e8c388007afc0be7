"""Idea 2's tables: the decision inside each factor, effects over sizes, contexts, and learning-rate basins."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import polars as pl

from studylib.analysis import (
    Additivity,
    AtTarget,
    Decision,
    check_additivity,
    compare_to_baseline,
    decide,
    finished_variants,
    learning_rate_sensitivity,
)
from studylib.ideas._shared.variants import BASELINE
from studylib.ideas.architecture.trials import COMBINED


def factor_decisions(trials: pl.DataFrame, factors: Mapping[str, Sequence[str]]) -> dict[str, Decision]:
    """Who is best inside each factor, the baseline among them.

    ``trials`` are those of one size, at equal FLOPs; a factor of which nothing finished is left out.
    """
    known = finished_variants(trials)
    found = {}
    for factor, names in factors.items():
        own = [name for name in names if name in known]
        if own and BASELINE in known:
            found[factor] = decide(trials.filter(pl.col("variant").is_in([BASELINE, *own])))
    return found


def factor_table(decisions: Mapping[str, Decision]) -> pl.DataFrame:
    """A row a factor: leader, its probability of being best, regret, rivals, and whether it is surely ahead."""
    return pl.DataFrame(
        [
            {
                "factor": factor, "leader": one.leader, "p_best": one.p_best[one.leader], "regret": one.regret,
                "rivals": ", ".join(one.rivals), "ahead": one.ahead,
            }
            for factor, one in decisions.items()
        ]
    )  # fmt: skip


def scaling_table(at: AtTarget) -> pl.DataFrame:
    """A row a variant: effect by size as measured (% of the baseline's loss), slope a decade, and what is said of the target.

    ``target_*`` are null where nothing is supported.
    """
    rows = []
    for one in at.effects:
        row: dict[str, object] = {"variant": one.variant}
        row |= {f"{size} %": one.measured[size][1] if size in one.measured else None for size in at.sizes}
        row |= {"trend": one.trend, "slope": one.slope[1] if one.slope else None}
        row |= {f"target_{end}": one.target[i] if one.target else None for i, end in enumerate(("low", "mid", "high"))}
        rows.append(row | {"p_better": one.p_better, "p_best": at.p_best[one.variant]})
    return pl.DataFrame(rows, infer_schema_length=None)


def sums(trials: pl.DataFrame, parts: Sequence[str]) -> list[Additivity]:
    """The combination against the sum of its parts, at every size where all of them finished."""
    found = []
    for (size,), own in trials.group_by(["size"], maintain_order=True):
        if {BASELINE, COMBINED, *parts} <= finished_variants(own):
            found.append(check_additivity(own, BASELINE, parts, COMBINED, size=str(size)))
    return found


def contexts_table(rows: pl.DataFrame) -> pl.DataFrame:
    """A row a variant: its mean change at the longest context asked of any, null where it cannot read there; best first."""
    longest = pl.col("context") == rows["context"].max()
    means = rows.group_by("variant", maintain_order=True).agg(
        times=(pl.col("context").max() / pl.col("trained").first()), rise=pl.col("change").filter(longest).mean()
    )
    return means.sort("rise", nulls_last=True, maintain_order=True)


def basins(rates: pl.DataFrame, vocab_size: int) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Learning-rate sensitivity a variant and seed, and its paired difference to the baseline (None with one seed)."""
    table = learning_rate_sensitivity(rates, start=start_loss(rates, vocab_size))
    if table["seed"].n_unique() < 2 or table["variant"].n_unique() < 2:
        return table, None
    return table, compare_to_baseline(table, BASELINE, "sensitivity")


def start_loss(trials: pl.DataFrame, vocab_size: int) -> float:
    """Bits per byte of a model that knows nothing: ln(vocabulary) nats a token."""
    ratio = (trials["val_bpb"] / trials["val_loss"]).drop_nans().drop_nulls()
    return math.log(vocab_size) * float(ratio.median())
