"""Rows of a tuning, and how often they are read: what each further reading is worth."""

from __future__ import annotations

import numpy as np
import polars as pl

from studylib.analysis.paired import compare_to_baseline, holm
from studylib.analysis.twoway import finished

_LEVEL = 0.05
_ALIKE = 0.05  # of the rows read in all: differences of whole steps


def repeats_table(trials: pl.DataFrame, metric: str = "val_bpb") -> pl.DataFrame:
    """Same-seed differences between numbers of epochs of equally many rows, and to as many other rows read once.

    Parameters
    ----------
    trials
        ``rows, epochs, seed`` and ``metric``, of one size.

    Returns
    -------
    A row a number of rows and epochs, rising: ``rows, epochs, seeds, loss`` (mean); ``step, step_low, step_high`` to the next fewer
    epochs of these rows and ``fresh, fresh_low, fresh_high`` to the run that reads as many rows in all, each once (null where there is none;
    95 %, negative is better); ``step_sure`` and ``fresh_sure`` with Holm's correction for all of the column; ``mde`` of the step.

    Raises
    ------
    StudyError
        No two of them have two seeds in common.
    """
    named = trials.with_columns(variant=pl.format("{} x {}", "rows", "epochs"))
    done = finished(named, metric)
    cells = done.group_by("rows", "epochs", "variant").agg(
        pl.col("seed").n_unique().alias("seeds"), pl.col(metric).mean().alias("loss")
    )
    cells = cells.sort("rows", "epochs")
    once = {row["rows"]: row["variant"] for row in cells.iter_rows(named=True) if row["epochs"] == 1}
    found, tables = [], {}

    def against(name: str, baseline: str | None, what: str) -> dict[str, float | None]:
        row = None
        if baseline is not None:
            if baseline not in tables:
                tables[baseline] = compare_to_baseline(named, baseline, metric)
            row = tables[baseline].row(by_predicate=pl.col("variant") == name, named=True)
        if row is None or row["low"] is None:
            row = dict.fromkeys(("difference", "low", "high", "p_value", "mde"))
        return {what: row["difference"] if row["low"] is not None else None, f"{what}_low": row["low"], f"{what}_high": row["high"],
                f"{what}_p": row["p_value"]} | ({"mde": row["mde"]} if what == "step" else {})  # fmt: skip

    for (_,), own in cells.group_by(["rows"], maintain_order=True):
        before = None
        for row in own.iter_rows(named=True):
            read = row["rows"] * row["epochs"]
            fresh = next((name for rows, name in once.items() if abs(rows - read) <= _ALIKE * read), None)
            fresh = fresh if row["epochs"] > 1 else None
            found.append(row | against(row["variant"], before, "step") | against(row["variant"], fresh, "fresh"))
            before = row["variant"]
    schema = dict.fromkeys(
        ("step", "step_low", "step_high", "step_p", "mde", "fresh", "fresh_low", "fresh_high", "fresh_p"), pl.Float64
    )
    table = pl.DataFrame(found, schema_overrides=schema, infer_schema_length=None)
    return table.with_columns(
        pl.Series(f"{what}_sure", holm(table[f"{what}_p"].fill_null(np.nan).to_numpy()) < _LEVEL) for what in ("step", "fresh")
    ).drop("variant", "step_p", "fresh_p")  # fmt: skip
