"""Differences to a baseline at the same seed, as facts and as marks of a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studylib.findings._figures.style import INK, MUTED, NOISE_BAND, PALETTE, wrapped
from studylib.findings._finding import Interval
from studylib.frozen import Frozen


class Difference(Frozen):
    """Bits per byte, negative is better: low, middle, high. ``sure``: beyond chance, with Holm's correction."""

    variant: str
    difference: Interval
    sure: bool


def differences(table: pl.DataFrame) -> tuple[Difference, ...]:
    """Rows of ``analysis.compare_to_baseline`` that have an interval, from the best to the worst."""
    rows = table.filter(pl.col("low").is_not_null()).sort("difference")
    return tuple(
        Difference(variant=row["variant"], difference=(row["low"], row["difference"], row["high"]), sure=row["significant"])
        for row in rows.iter_rows(named=True)
    )  # fmt: skip


def mark(ax: Axes, y: float, row: dict[str, Any], at: float | None = None) -> None:
    """A row of the table with its interval, hollow where it is not told apart; ``at``: at this place instead, alone."""
    colour = MUTED if not row["significant"] else PALETTE[2] if row["difference"] < 0 else PALETTE[1]
    marker = "o" if not row["significant"] else "<" if row["difference"] < 0 else ">"
    if at is None and row["low"] is not None:
        ax.plot([row["low"], row["high"]], [y, y], color=colour, lw=2.2, solid_capstyle="butt")
    place = row["difference"] if at is None else at
    ax.plot(place, y, marker=marker, ms=8, color=colour, mfc=colour if row["significant"] else "white", ls="")


def frame(figure: Figure, ax: Axes, baseline: str, noise: float | Sequence[float]) -> None:
    """What stands around the marks: zero, the band of ``noise``, the label, the legend.

    ``noise`` is one for all, or one a row, of marks at 0, 1, ...: variants may differ in it.
    """
    if isinstance(noise, Sequence):
        ax.barh(range(len(noise)), [2 * one for one in noise], 1.0, [-one for one in noise], **NOISE_BAND)
    else:
        ax.axvspan(-noise, noise, **NOISE_BAND)
    ax.axvline(0, color=INK, lw=1)
    ax.grid(axis="y", visible=False)
    ax.plot([], [], "<", color=PALETTE[2], ms=8, label="better (Holm-corrected)")
    ax.plot([], [], ">", color=PALETTE[1], ms=8, label="worse (Holm-corrected)")
    ax.plot([], [], "o", color=MUTED, mfc="white", ms=8, label="not told apart")
    said = wrapped(f"difference to {baseline} at the same seed (bits per byte), 95\u00a0% interval", 56)
    ax.set_xlabel(f"{said}\n← better      worse →")
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
