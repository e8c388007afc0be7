"""Schedules: the cooldowns of a trunk, and what the middle of a run would have said."""

from __future__ import annotations

import numpy as np
import polars as pl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from studylib.analysis.along import MidRun
from studylib.numbers import short
from studylib.report.figures.style import INK, LOSS, MUTED, PALETTE, canvas, look


def cooldowns(curves: pl.DataFrame, ends: pl.DataFrame) -> Figure:
    """The trunk's loss along its tokens, the cooldowns that branch off it, and a cosine run for each budget.

    Parameters
    ----------
    curves
        Validation records of trunk and branches, with ``variant``, ``schedule``, ``tokens``, ``bpb`` and, for branches,
        ``starts``: the tokens at which they leave the trunk.
    ends
        A row a trial with ``schedule`` (cosine, wsd), ``tokens`` and ``val_bpb``.
    """
    rows = curves.filter((pl.col("split") == "validation") & (pl.col("source") == ""))
    figure, (ax,) = canvas(width=7.2, height=4.4)
    trunk = rows.filter(pl.col("schedule") == "trunk").select("tokens", "bpb").to_pandas()
    if len(trunk):
        sns.lineplot(
            trunk,
            x="tokens",
            y="bpb",
            ax=ax,
            errorbar=("pi", 100),
            color=MUTED,
            marker=".",
            label="trunk, constant rate",
            legend=False,
        )
    means = (
        ends.group_by("schedule", "tokens")
        .agg(pl.col("val_bpb").mean(), pl.col("val_bpb").min().alias("low"), pl.col("val_bpb").max().alias("high"))
        .sort("tokens")
    )
    along = rows.filter(pl.col("schedule") == "trunk").group_by("tokens").agg(pl.col("bpb").mean()).sort("tokens")
    for (variant,), own in rows.filter(pl.col("schedule") == "wsd").group_by(["variant"], maintain_order=True):
        means_of = own.group_by("tokens").agg(pl.col("bpb").mean()).sort("tokens")
        start = float(own["starts"][0])  # between two validations of the trunk: read off the line that is drawn
        level = np.interp(start, along["tokens"], along["bpb"])
        x, y = [start, *means_of["tokens"]], [level, *means_of["bpb"]]
        ax.plot(x, y, color=PALETTE[0], lw=1.6, ls="--", label=f"_{variant}")
    for index, (name, label) in enumerate((("wsd", "cooldown off the trunk"), ("cosine", "cosine run of its own"))):
        own = means.filter(pl.col("schedule") == name)
        style = look(index)
        error = np.stack([(own["val_bpb"] - own["low"]).to_numpy(), (own["high"] - own["val_bpb"]).to_numpy()])
        ax.errorbar(
            own["tokens"],
            own["val_bpb"],
            error,
            fmt=style["marker"],
            ms=9 - 2 * index,
            color=style["color"],
            capsize=4,
            label=f"{label}, end",
            zorder=4,
        )
    ends_low = float(ends["val_bpb"].min())
    shown = rows.filter(pl.col("tokens") >= 0.5 * float(ends["tokens"].min()))["bpb"]
    top = max(float(shown.max() or 0), float(ends["val_bpb"].max()))
    ax.set_ylim(ends_low - 0.06 * (top - ends_low), top + 0.04 * (top - ends_low))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    ax.set(xlabel="training tokens of the model", ylabel=LOSS)
    figure.legend(loc="outside lower center", ncols=3, fontsize=9, title="mean and range of seeds", title_fontsize=9)
    return figure


def gap_along(middle: MidRun) -> Figure:
    """By how much one schedule looks worse than another along the same run; the end is what counts."""
    rows = middle.along
    figure, (ax,) = canvas(width=7.2, height=3.7)
    ax.axhline(0, color=INK, lw=1)
    x = (100 * rows["progress"]).to_numpy()
    ax.fill_between(
        x,
        rows["low"].to_numpy(),
        rows["high"].to_numpy(),
        color=PALETTE[0],
        alpha=0.18,
        lw=0,
        label="95 % interval, paired",
    )
    sns.lineplot(
        x=x,
        y=rows["difference"].to_numpy(),
        ax=ax,
        color=PALETTE[0],
        marker="o",
        markersize=7,
        label="mean over seeds",
        legend=False,
    )
    ax.plot(100, middle.end["difference"], marker="D", ms=10, color=PALETTE[1], ls="", label="the end", zorder=5)
    ax.set(
        xlabel="progress of the run (% of its tokens)",
        ylabel=f"{middle.variant} minus {middle.baseline}\n(bits per byte), lower is better",
    )
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure
