"""A rate by variant."""

from __future__ import annotations

import numpy as np
import polars as pl
import seaborn as sns
from matplotlib.figure import Figure

from studylib.findings._figures.style import BAR, INK, PALETTE, canvas
from studylib.numbers import short


def throughput(trials: pl.DataFrame, column: str, label: str, points: str) -> Figure:
    """A bar a ``variant``, the median of ``column``; a point a row, each one of ``points``. Rows without a value are not drawn."""
    rows = trials.filter(pl.col(column).is_finite().fill_null(False)).with_columns(pl.col("variant").cast(pl.String))
    medians = dict(rows.group_by("variant").agg(pl.col(column).median()).sort(column, descending=True).rows())
    figure, (ax,) = canvas(width=7.2, height=1.3 + 0.36 * len(medians))
    frame = rows.select("variant", column).to_pandas()
    sns.barplot(
        frame,
        y="variant",
        x=column,
        order=list(medians),
        estimator="median",
        errorbar=None,
        color=BAR,
        ax=ax,
        width=0.7,
    )
    for y, (name, median) in enumerate(medians.items()):
        values = frame.loc[frame["variant"] == name, column]
        spread = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else 0.0  # the same at every drawing
        ax.plot(values, y + spread, "o", color=PALETTE[0], ms=5, ls="", alpha=0.8)
        ax.annotate(short(median), (0, y), (6, 0), textcoords="offset points", va="center", fontsize=9.5, color=INK)
    ax.xaxis.set_major_formatter(lambda value, _: short(value))
    ax.grid(axis="y", visible=False)
    ax.set(xlabel=f"{label}: median and {points}", ylabel="")
    return figure
