"""Tables of idea 7: lengths of schedules, repeated text and dropout, filling in, what is judged."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from studylib import analysis
from studylib.analysis import TokensSaved
from studylib.errors import StudyError
from studylib.ideas.hyperparameters.schema import HyperparametersParams
from studylib.search import SearchResult, importance


def schedule_table(trials: pl.DataFrame) -> pl.DataFrame:
    """By budget: a cooldown off the trunk minus a cosine run of its own, in percent of the loss.

    Columns ``share, tokens, difference, low, high`` (95 %, each budget with its own noise); a budget without two pairs is left
    out.
    """
    rows = trials.filter((pl.col("family") == "schedule") & (pl.col("schedule") != "trunk"))
    records = []
    for (share,), own in rows.group_by(["share"], maintain_order=True):
        try:
            table = analysis.compare_to_baseline(own.with_columns(pl.col("schedule").alias("variant")), "cosine")
        except StudyError:  # too few seeds finished at this budget: the others may have
            continue
        found = table.filter((pl.col("variant") == "wsd") & pl.col("low").is_not_null())
        level = own.filter((pl.col("schedule") == "cosine") & (pl.col("status") == "done"))["val_bpb"].mean()
        records += [
            {"share": share, "tokens": int(own["tokens"].drop_nulls()[0])}
            | {key: 100 * row[key] / level for key in ("difference", "low", "high")}
            for row in found.iter_rows(named=True)
        ]
    names = ("difference", "low", "high")
    schema = {"share": pl.Float64, "tokens": pl.Int64} | dict.fromkeys(names, pl.Float64)
    return pl.DataFrame(records, schema=schema).sort("tokens")


def epochs_table(trials: pl.DataFrame) -> pl.DataFrame:
    """Loss above fresh text by number of epochs; the row of one epoch is zero by definition.

    Columns ``epochs, difference, low, high`` (95 %) and ``significant``: differs from fresh text (see ``compare_to_baseline``).
    """
    rows = trials.filter(pl.col("family") == "epochs")
    counts = dict(rows.select("variant", "epochs").unique().rows())
    table = analysis.compare_to_baseline(rows, "1 epoch").filter(pl.col("low").is_not_null())
    fresh = pl.DataFrame({"epochs": [1.0], "difference": [0.0], "low": [0.0], "high": [0.0], "significant": [False]})
    epochs = pl.col("variant").replace_strict(counts, return_dtype=pl.Float64).alias("epochs")
    return pl.concat([fresh, table.select(epochs, "difference", "low", "high", "significant")]).sort("epochs")


def dropout_table(trials: pl.DataFrame) -> pl.DataFrame:
    """Loss with dropout above that without, at each number of epochs; noise and Holm's correction are that number's own.

    Columns ``epochs, dropout, difference, low, high, significant``.
    """
    rows = trials.filter(pl.col("family").is_in(["epochs", "dropout"]))
    rows = rows.with_columns(pl.col("dropout").fill_null(0.0))
    tables = []
    for (count,), own in rows.group_by(["epochs"], maintain_order=True):
        named = own.with_columns(pl.col("dropout").cast(pl.String).alias("variant"))
        try:
            table = analysis.compare_to_baseline(named, "0.0").filter(pl.col("low").is_not_null())
        except StudyError:  # too few seeds finished at this number of epochs: the others may have
            continue
        share = pl.col("variant").cast(pl.Float64).alias("dropout")
        tables.append(
            table.select(pl.lit(float(count)).alias("epochs"), share, "difference", "low", "high", "significant")
        )
    schema = {"epochs": pl.Float64, "dropout": pl.Float64, "difference": pl.Float64, "low": pl.Float64}
    empty = pl.DataFrame(schema=schema | {"high": pl.Float64, "significant": pl.Boolean})
    return pl.concat([empty, *tables]).sort("epochs", "dropout")


def infilling_at_best(infilling: pl.DataFrame) -> pl.DataFrame:
    """The rows of each objective at the rate (``lr_factor``) at which it fills gaps best: from both sides where it can."""
    rows = infilling.with_columns((pl.col("given") == "both").any().over("variant").alias("_sees"))
    asked = rows.filter(pl.col("given") == pl.when("_sees").then(pl.lit("both")).otherwise(pl.lit("left")))
    means = (
        asked.group_by("variant", "lr_factor").agg(pl.col("bits_per_byte").mean()).sort("bits_per_byte", "lr_factor")
    )
    best = means.unique("variant", keep="first", maintain_order=True).select("variant", "lr_factor")
    return infilling.join(best, on=["variant", "lr_factor"], how="semi", maintain_order="left")


def infilling_table(infilling: pl.DataFrame) -> pl.DataFrame:
    """What text behind a span is worth, by length of span and objective.

    Each objective with the text on both sides, above the causal model that has the text before the span alone, paired over
    seeds; negative is better. Columns ``span, variant, level`` (mean bits per byte with both sides), ``left`` (the causal
    model's), ``difference, low, high, significant``, and ``gain, gain_low, gain_high``: what the objective itself fills in better with
    the text behind the span than without.
    """
    tables = []
    for (span,), own in infilling.group_by(["span"], maintain_order=True):
        plain = own.filter((pl.col("variant") == "causal") & (pl.col("given") == "left"))
        rows = pl.concat([plain, own.filter(pl.col("given") == "both")])
        rows = rows.with_columns(pl.lit("done").alias("status"), pl.col("bits_per_byte").alias("val_bpb"))
        if rows["variant"].n_unique() < 2 or plain.is_empty():
            continue
        table = analysis.compare_to_baseline(rows, "causal").filter(pl.col("low").is_not_null())
        levels = rows.group_by("variant").agg(pl.col("val_bpb").mean().alias("level"))
        left = pl.lit(float(plain["bits_per_byte"].mean())).alias("left")
        table = table.join(levels, on="variant", maintain_order="left").with_columns(
            pl.lit(str(span)).alias("span"), left
        )
        gains = []
        for name in table["variant"]:
            own_gain = own.filter((pl.col("variant") == name) & (pl.col("given") == "gain"))["bits_per_byte"]
            middle, (low, high) = analysis.estimate(own_gain.to_numpy())
            gains.append({"gain": middle, "gain_low": low, "gain_high": high})
        table = table.select("span", "variant", "level", "left", "difference", "low", "high", "significant")
        tables.append(pl.concat([table, pl.DataFrame(gains)], how="horizontal"))
    return pl.concat(tables) if tables else pl.DataFrame()


def in_tokens(optimizers: pl.DataFrame, ladder: pl.DataFrame) -> tuple[dict[str, list[TokensSaved]], str]:
    """What each size's optimizers are worth in tokens of the AdamW tuned there; and why not, in one line, where a size has none."""
    found, reason = {}, ""
    adamw = pl.col("variant") == "adamw"
    for (size,), here in optimizers.group_by(["size"], maintain_order=True):
        try:
            rungs = pl.concat([here.filter(adamw), ladder.filter(pl.col("size") == size)], how="diagonal")
            found[str(size)] = analysis.tokens_saved(rungs, here.filter(~adamw), tokens="tokens")
        except StudyError as error:  # one length only, or more tokens that did not help: gains stay in percent
            reason = f"{size}: {error}"
    return found, reason


def importances(params: HyperparametersParams, searches: Mapping[str, SearchResult]) -> tuple[dict, str]:
    """The importance of the explored fields; or none, and why in one line."""
    if params.explored is None:
        return {}, "explored is not set"
    try:
        return importance(params.explored, searches["explored"]), ""
    except StudyError as error:  # too few points finished
        return {}, str(error)


def judged(trials: pl.DataFrame) -> pl.DataFrame:
    """The trials that a table of results shows: not those that only tune, search or sweep."""
    kept = trials.filter(
        pl.col("family").is_in(["optimizer", "ladder", "factor", "schedule", "epochs", "dropout", "objective"])
    )
    common_rate = pl.col("lr_factor") == 1.0
    return kept.filter(common_rate).unique(["size", "variant", "seed"], maintain_order=True)
