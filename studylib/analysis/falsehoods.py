"""What models make of facts that the web text told falsely: right, as it told them, or otherwise."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from studylib.analysis.crossed import crossed_slope, crossed_table
from studylib.analysis.probes import at_the_end, probe_records, with_trials

LIKELIEST = ("right", "false", "other")
MARGINS = ("right_margin", "false_margin")


def read_falsehoods(out: Path, trials: pl.DataFrame) -> pl.DataFrame:
    """The probe ``falsehoods`` at the end of training: a row a trial and fact.

    Columns: ``hash``, ``step``, ``tokens``, ``false_facts`` (share of them that the web text tells falsely), ``fact`` and its
    ``relation``, ``told`` (falsely, truly: by this trial's web text), ``answers`` (how many), 1 for the answer that is likeliest in
    ``right``, ``false`` (as the web text tells it, or would if it told it falsely), ``other``, and in nats ``right_margin`` (the
    right answer's score above the mean of all others) and ``false_margin`` (the false one's above the mean of the other wrong
    ones), then those of ``trials``.
    """
    schema = {
        "false_facts": pl.Float64,
        "told": pl.String,
        "fact": pl.String,
        "relation": pl.String,
        "answers": pl.Int64,
    }
    schema |= dict.fromkeys((*LIKELIEST, *MARGINS), pl.Float64)
    rows = []
    for about, probes in probe_records(out, trials):
        found = probes.get("falsehoods", {})
        for told in ("falsely", "truly"):
            for fact, (right, false, *others) in found.get(told, {}).items():
                likeliest = max(((right, "right"), (false, "false"), (max(others), "other")))[1]
                rows.append(
                    about | {"false_facts": found["share"], "told": told, "fact": fact, "answers": 2 + len(others)}
                    | {"relation": re.sub(r"/\d+/", "/", fact)}
                    | {name: float(name == likeliest) for name in LIKELIEST}
                    | {
                        "right_margin": right - (false + sum(others)) / (1 + len(others)),
                        "false_margin": false - sum(others) / len(others),
                    }
                )  # fmt: skip
    return at_the_end(with_trials(rows, schema, trials))


def falsehood_table(rows: pl.DataFrame, baseline: str) -> pl.DataFrame:
    """By what the web text told of the facts, and by variant: `crossed_table` of each share and margin.

    Questions about one relation are a cluster: they share their wording and few possible answers, which a model that has read
    little text over and over likes or dislikes all alike.

    Parameters
    ----------
    rows
        From `read_falsehoods`, of one size.

    Returns
    -------
    ``value`` (right, false, other, right_margin, false_margin), ``told``, ``chance``, then the columns of `crossed_table`. Holm's
    correction is over the variants and groups of one value.
    """
    answers = rows["answers"][0]
    chances = {"right": 1 / answers, "false": 1 / answers, "other": 1 - 2 / answers} | dict.fromkeys(MARGINS, 0.0)
    tables = []
    for value, chance in chances.items():
        limits = {"limits": (0.0, 1.0)} if value in LIKELIEST else {}
        table = crossed_table(
            rows, value, item="fact", cluster="relation", group=["told"], chance=chance, baseline=baseline, **limits
        )
        tables.append(table.select(pl.lit(value).alias("value"), pl.lit(chance).alias("chance"), pl.all()))
    return pl.concat(tables)


def falsehood_rates(rows: pl.DataFrame, rate: str = "false_facts") -> tuple[pl.DataFrame, dict[str, float | None]]:
    """What the share of false facts, or any other ``rate`` of noise, does: dose and response.

    Asked is every fact that all trials were asked, whether a trial's web text tells it falsely or not: the same at every rate.

    Returns
    -------
    ``value, rate, chance``, then the columns of `crossed_table` (differences to the lowest rate), and the slope of the false
    answers' margin: ``mean``, ``low``, ``high`` (95 %) and ``p``, nats for a rise of the rate from 0 to 1; None where it is not known.
    """
    rows = rows.with_columns(pl.col(rate).cast(pl.Float64).alias("rate"), told=pl.lit("either"))
    rows = rows.sort("rate", maintain_order=True).with_columns(variant=pl.col("rate").cast(pl.String))
    table = falsehood_table(rows, rows["variant"][0]).with_columns(pl.col("variant").cast(pl.Float64).alias("rate"))
    return table.drop("variant", "told"), crossed_slope(
        rows, "false_margin", item="fact", cluster="relation", along="rate"
    )
