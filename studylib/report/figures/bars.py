"""Horizontal figures with a row a variant: paired differences, probabilities of being best, throughput."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from studylib.errors import invalid
from studylib.numbers import percent, short
from studylib.report.figures.style import BAR, HATCHES, INK, MUTED, NOISE_BAND, PALETTE, canvas, wrapped
from studylib.report.texts import ACCOUNTINGS
from studylib.result import Verdict


def forest(table: pl.DataFrame, baseline: str, *, noise: float | None = None, unit: str = "bits per byte") -> Figure:
    """Paired differences to the baseline with their intervals.

    Parameters
    ----------
    table
        From ``analysis.compare_to_baseline``; a row without an interval is drawn hollow.
    noise
        Half-width of the shaded band in units of the metric; default the comparison's own minimum detectable effect.
    """
    rows = table.filter(pl.col("difference").is_not_null()).sort("difference", descending=True)
    if rows.is_empty():
        raise invalid("table", "", "has no difference to draw")
    names = [wrapped(f"{row['variant']}  (n={row['pairs']})") for row in rows.iter_rows(named=True)]
    lines = max(name.count("\n") + 1 for name in names)
    figure, (ax,) = canvas(width=7.2, height=1.8 + max(0.42, 0.22 * lines) * len(rows))
    noise = table["mde"].max() if noise is None else noise
    if noise:
        ax.axvspan(-noise, noise, **NOISE_BAND)
    ax.axvline(0, color=INK, lw=1)
    for position, row in enumerate(rows.iter_rows(named=True)):
        sure, better = row["significant"], row["difference"] < 0
        colour = MUTED if not sure else PALETTE[2] if better else PALETTE[1]
        marker = "o" if not sure else "<" if better else ">"
        if row["low"] is not None:
            ax.plot([row["low"], row["high"]], [position] * 2, color=colour, lw=2.2, solid_capstyle="butt")
        ax.plot(row["difference"], position, marker=marker, ms=8, color=colour, mfc=colour if sure else "white", ls="")
    ax.set_yticks(range(len(rows)), names, color=INK)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.grid(axis="y", visible=False)
    ax.plot([], [], "<", color=PALETTE[2], ms=8, label="better")
    ax.plot([], [], ">", color=PALETTE[1], ms=8, label="worse")
    ax.plot([], [], "o", color=MUTED, mfc="white", ms=8, label="not significant")
    ax.set_xlabel(f"difference to {baseline} at the same seed ({unit}), 95 % interval\n← better      worse →")
    figure.legend(loc="outside lower center", ncols=4, fontsize=9)
    return figure


def p_best(verdicts: Sequence[Verdict], *, most: int = 8, threshold: float = 0.9) -> Figure:
    """Probability of being best, a group of bars a variant, a bar an accounting; one without a verdict is in the legend only."""
    if not any(verdict.p_best for verdict in verdicts):
        raise invalid("verdicts", [one.basis for one in verdicts], "have no probabilities: there is nothing to draw")
    empty = [verdict for verdict in verdicts if not verdict.p_best]
    verdicts = [verdict for verdict in verdicts if verdict.p_best]
    names = list(dict.fromkeys(name for verdict in verdicts for name in verdict.p_best))
    names.sort(key=lambda name: -max(verdict.p_best.get(name, 0.0) for verdict in verdicts))
    shown = names[:most]
    figure, (ax,) = canvas(width=7.2, height=1.5 + len(shown) * (0.14 + 0.2 * len(verdicts)))
    height = 0.8 / len(verdicts)
    for index, verdict in enumerate(verdicts):
        where = np.arange(len(shown)) + (index - (len(verdicts) - 1) / 2) * height
        known = [verdict.p_best.get(name) for name in shown]  # none: not in that race
        values = [value or 0.0 for value in known]
        ax.barh(
            where, values, height * 0.86, color=PALETTE[index], hatch=HATCHES[index], edgecolor="white", lw=0.4,
            label=ACCOUNTINGS[verdict.basis].en,
        )  # fmt: skip
        for y, value in zip(where, known, strict=True):
            label = "–" if value is None else percent(value)
            ax.annotate(label, (value or 0.0, y), (4, 0), textcoords="offset points", va="center", fontsize=9)
    for verdict in empty:
        ax.plot([], [], ls="", label=f"{ACCOUNTINGS[verdict.basis].en}: no verdict")
    ax.axvline(threshold, color=INK, lw=1, ls="--", label=f"ahead from {threshold:.0%}")
    ax.set_yticks(range(len(shown)), [wrapped(name) for name in shown], color=INK)
    ax.invert_yaxis()
    ax.set_xlim(0, 1.08)
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}" if value <= 1 else ""))
    left_out = f"   ({len(names) - most} less likely not shown)" if len(names) > most else ""
    ax.set_xlabel(f"probability of being the best variant{left_out}")
    figure.legend(loc="outside lower center", ncols=4, fontsize=9)
    return figure


def throughput(
    trials: pl.DataFrame,
    *,
    variant: str = "variant",
    column: str = "tokens_per_s",
    label: str = "training speed (tokens per second)",
) -> Figure:
    """Training speed, or another rate in ``column``: a bar a variant (the median), a point a trial."""
    rows = trials.filter(pl.col(column).is_finite().fill_null(False)).with_columns(pl.col(variant).cast(pl.String))
    if rows.is_empty():
        raise invalid("trials", column, "has no finished trial to draw")
    order = rows.group_by(variant).agg(pl.col(column).median()).sort(column, descending=True)[variant].to_list()
    figure, (ax,) = canvas(width=7.2, height=1.3 + 0.36 * len(order))
    frame = rows.select(variant, column).to_pandas()
    sns.barplot(frame, y=variant, x=column, order=order, estimator="median", errorbar=None, color=BAR, ax=ax, width=0.7)
    for y, name in enumerate(order):
        values = frame.loc[frame[variant] == name, column]
        spread = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else 0.0  # the same at every drawing
        ax.plot(values, y + spread, "o", color=PALETTE[0], ms=5, ls="")
    medians = frame.groupby(variant)[column].median()
    for y, name in enumerate(order):
        ax.annotate(
            short(float(medians[name])),
            (0, y),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9.5,
            color=INK,
        )
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    ax.grid(axis="y", visible=False)
    ax.set(xlabel=f"{label}: median and single trials", ylabel="")
    return figure
