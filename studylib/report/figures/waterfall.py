"""Tokens/s and memory of a training step, one switch at a time."""

from __future__ import annotations

import polars as pl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from studylib.errors import invalid
from studylib.numbers import short
from studylib.report.figures.style import HATCHES, INK, PALETTE, canvas


def waterfall(steps: pl.DataFrame) -> Figure:
    """Speed (with the range over windows) and peak memory of each setting, from the plainest down to the fastest.

    Parameters
    ----------
    steps
        From ``trials.waterfall_frame``.
    """
    if steps.is_empty():
        raise invalid("steps", "", "has no measurement to draw")
    figure, axes = canvas(1, 2, width=8.6, height=1.3 + 0.42 * len(steps), sharey=True)
    frame = steps.select("label", "tokens_per_s", (pl.col("peak_memory_bytes") / 1e6).alias("megabytes")).to_pandas()
    for ax, column, index in ((axes[0], "tokens_per_s", 0), (axes[1], "megabytes", 1)):
        sns.barplot(
            frame, y="label", x=column, ax=ax, color=PALETTE[index], hatch=HATCHES[index], alpha=0.85, width=0.66
        )
        ax.grid(axis="y", visible=False)
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.set_ylabel("")
    for position, row in enumerate(steps.iter_rows(named=True)):
        axes[0].plot([row["least"], row["most"]], [position] * 2, color=INK, lw=1.6)
        _write(axes[0], row["most"], position, f"{row['speedup']:.2f}x", steps["most"].max())
        megabytes = row["peak_memory_bytes"] / 1e6
        _write(axes[1], megabytes, position, f"{megabytes:,.0f}", steps["peak_memory_bytes"].max() / 1e6)
    axes[0].xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes[0].set_xlabel("tokens/s (line: range of windows)")
    axes[1].set_xlabel("peak memory (MB)")
    return figure


def _write(ax: Axes, value: float, position: int, text: str, greatest: float) -> None:
    ax.set_xlim(0, 1.22 * greatest)
    ax.text(value + 0.02 * greatest, position, text, va="center", ha="left", fontsize=9.5, color=INK)
