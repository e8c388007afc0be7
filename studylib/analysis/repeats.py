"""Rows of a tuning, and how often they are read: what each further reading is worth."""

from __future__ import annotations

import numpy as np
import polars as pl

from studylib.analysis.paired import compare_to_baseline, holm
from studylib.analysis.twoway import finished

_LEVEL = 0.05
_ALIKE = 0.05  # of the rows read in all: differences of whole steps
_COLUMNS = {"": "difference", "_low": "low", "_high": "high", "_p": "p_value"}


def repeats_table(trials: pl.DataFrame, metric: str = "val_bpb") -> pl.DataFrame:
    """Same-seed differences between numbers of epochs of equally many rows, and to as many other rows read once.

    Parameters
    ----------
    trials
        ``rows, epochs, seed`` and ``metric``, of one size.

    Returns
    -------
    A row a number of rows and epochs, rising: ``rows, epochs, seeds, loss`` (mean); ``step, step_low, step_high`` to the next fewer
    epochs of these rows (of those with two seeds) and ``fresh, fresh_low, fresh_high`` to the run that reads as many rows in all, each once (null where there is none;
    95 %, negative is better); ``step_sure`` and ``fresh_sure`` with Holm's correction for all of the column; ``mde`` of such a difference.
    """
    named = trials.with_columns(variant=pl.format("{} x {}", "rows", "epochs"))
    done = finished(named, metric)
    cells = done.group_by("rows", "epochs", "variant").agg(
        pl.col("seed").n_unique().alias("seeds"), pl.col(metric).mean().alias("loss")
    )
    cells = cells.sort("rows", "epochs")
    seeds = {name: set(done.filter(pl.col("variant") == name)["seed"]) for name in cells["variant"]}
    once = {row["rows"]: row["variant"] for row in cells.iter_rows(named=True) if row["epochs"] == 1}
    paired = named.filter(pl.col("variant").is_in([name for name, own in seeds.items() if len(own) > 1]))
    found = []
    for _, own in cells.group_by(["rows"], maintain_order=True):
        fewer = None
        for row in own.iter_rows(named=True):
            name, read = row["variant"], row["rows"] * row["epochs"]
            fresh = next((other for rows, other in once.items() if abs(rows - read) <= _ALIKE * read), None)
            for what, baseline in (("step", fewer), ("fresh", fresh if row["epochs"] > 1 else None)):
                if baseline is None or len(seeds[name] & seeds[baseline]) < 2:
                    continue
                table = compare_to_baseline(paired, baseline, metric)
                other = table.row(by_predicate=pl.col("variant") == name, named=True)
                row |= {f"{what}{end}": other[of] for end, of in _COLUMNS.items()} | {"mde": other["mde"]}
            found.append(row)
            fewer = name if len(seeds[name]) > 1 else fewer
    ends = [f"{what}{end}" for what in ("step", "fresh") for end in _COLUMNS]
    table = pl.DataFrame(found, schema=dict(cells.schema) | dict.fromkeys((*ends, "mde"), pl.Float64))
    sure = [
        pl.Series(f"{what}_sure", holm(table[f"{what}_p"].fill_null(np.nan).to_numpy()) < _LEVEL, dtype=pl.Boolean)
        for what in ("step", "fresh")
    ]
    return table.with_columns(sure).drop("variant", "step_p", "fresh_p")
