"""What other data bring the target language: tokens saved, facts carried over, context used, ingredients dosed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import polars as pl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from studylib.analysis import TokensSaved
from studylib.errors import invalid
from studylib.numbers import short
from studylib.report.figures.style import INK, MUTED, PALETTE, canvas, look, wrapped

_GROUPS = {
    "both_in_japanese": "told in both languages,\nasked in Japanese",
    "english_only_in_english": "told in English only,\nasked in English",
    "english_only_in_japanese": "told in English only,\nasked in Japanese",
}


def saved_tokens(rows: Sequence[TokensSaved], target: str = "Japanese") -> Figure:
    """A row a variant: target tokens spent, and those the plain run needs for the same loss with their interval."""
    if not rows:
        raise invalid("rows", [], "is empty: there is nothing to draw")
    rows = sorted(rows, key=lambda one: one.saved[1])
    figure, (ax,) = canvas(width=7.2, height=1.9 + 0.42 * len(rows))
    finite = [value for one in rows for value in (*one.needed, one.spent) if 0 < value < math.inf]
    most, least = 1.15 * max(finite), min(finite) / 1.15
    for place, one in enumerate(rows):
        low, middle, high = (min(max(value, least), most) for value in one.needed)
        colour = MUTED if not one.sure else PALETTE[2] if one.sure > 0 else PALETTE[1]
        marker = "o" if not one.sure else ">" if one.sure > 0 else "<"
        ax.plot([low, high], [place] * 2, color=colour, lw=2.2, solid_capstyle="butt")
        for value, end in ((one.needed[0], low), (one.needed[2], high)):
            if not 0 < value < math.inf:  # the interval has no end on this side
                ax.plot(end, place, marker=">" if end == high else "<", color=colour, ms=6)
        ax.plot(middle, place, marker=marker, ms=8, color=colour, mfc=colour if one.sure else "white", ls="")
        ax.plot(one.spent, place, marker="|", ms=16, mew=2.4, color=INK, ls="")
    ax.set_yticks(range(len(rows)), [wrapped(one.variant) for one in rows], color=INK)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_xlim(least, most * 1.02)
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    ax.set_xlabel(f"tokens that {target} alone needs for the same loss, 95 % interval")
    ax.plot([], [], "|", color=INK, ms=12, mew=2.4, label="tokens spent")
    ax.plot([], [], ">", color=PALETTE[2], ms=8, label="saves tokens")
    ax.plot([], [], "<", color=PALETTE[1], ms=8, label="wastes tokens")
    ax.plot([], [], "o", color=MUTED, mfc="white", ms=8, label="not told apart")
    figure.legend(loc="outside lower center", ncols=4, fontsize=9)
    return figure


def facts(rows: pl.DataFrame, *, variants: Sequence[str] | None = None) -> Figure:
    """By group of questions: by how much the right answer is likelier than wrong ones, a point a variant, spread over seeds.

    Parameters
    ----------
    rows
        From ``analysis.read_facts``, at the end of training.
    """
    names = list(variants) if variants is not None else rows["variant"].unique(maintain_order=True).to_list()
    groups = [group for group in _GROUPS if group in rows["group"].to_list()]
    if not groups:
        raise invalid("rows", "facts", "holds no answers")
    figure, (ax,) = canvas(width=7.2, height=1.6 + 0.24 * len(groups) * (len(names) + 1))
    ax.axvline(0, color=INK, lw=1)
    for index, name in enumerate(names):
        style = look(index)
        for place, group in enumerate(groups):
            own = rows.filter((pl.col("variant") == name) & (pl.col("group") == group))["margin"].to_numpy()
            if not len(own):
                continue
            y = place + (index - (len(names) - 1) / 2) * 0.8 / len(names)
            ax.plot([own.min(), own.max()], [y, y], color=style["color"], lw=2)
            label = name if place == 0 else None
            ax.plot(own.mean(), y, marker=style["marker"], color=style["color"], ms=7, ls="", label=label)
    ax.set_yticks(range(len(groups)), [_GROUPS[group] for group in groups], color=INK)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(
        "log-likelihood of the right answer above wrong ones (nats)\nnot known ← 0 → known      (line: range of seeds)"
    )
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure


def loss_by_position(rows: pl.DataFrame, baseline: str, *, variants: Sequence[str] | None = None) -> Figure:
    """Loss by position in the context as a difference to ``baseline`` at the same seed; mean and range over seeds.

    Parameters
    ----------
    rows
        From ``analysis.read_positions``, one source, at the end of training.
    """
    keys = ["seed", "start", "stop"]
    base = rows.filter(pl.col("variant") == baseline).select(*keys, pl.col("loss").alias("base"))
    if base.is_empty():
        raise invalid("baseline", baseline, "has no loss by position", choices=rows["variant"].unique().to_list())
    frame = rows.join(base, on=keys, how="inner").with_columns(
        (pl.col("loss") - pl.col("base")).alias("difference"),
        ((pl.col("start") + 1) * pl.col("stop")).sqrt().alias("middle"),
    )
    names = list(variants) if variants is not None else frame["variant"].unique(maintain_order=True).to_list()
    figure, (ax,) = canvas(width=7.2, height=4.0)
    ax.axhline(0, color=INK, lw=1, label=baseline)
    for index, name in enumerate(name for name in names if name != baseline):
        style = look(index)
        own = frame.filter(pl.col("variant") == name).select("middle", "difference").to_pandas()
        sns.lineplot(
            own, x="middle", y="difference", errorbar=("pi", 100), ax=ax, label=name, color=style["color"],
            linestyle=style["linestyle"], marker=style["marker"], markersize=6, err_kws={"alpha": 0.13, "lw": 0}, legend=False,
        )  # fmt: skip
    ax.set_xscale("log")
    bins = frame.select("start", "stop", "middle").unique().sort("start")
    labels = [f"{a + 1}" if a + 1 == b else f"{a + 1}-{b}" for a, b in bins.select("start", "stop").rows()]
    ax.xaxis.set_major_locator(FixedLocator(bins["middle"].to_list()))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticklabels(labels, fontsize=8.5)
    ax.set(
        xlabel="position in the context (tokens)",
        ylabel=f"loss minus that of {baseline}\n(nats per token), lower is better",
    )
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure


def dose(trials: pl.DataFrame, *, ratio: str = "ratio", kind: str = "kind", metric: str = "val_bpb") -> Figure:
    """Loss against the share of an ingredient, a line a kind, as a difference to none of it at the same seed."""
    done = trials.filter(pl.col(metric).is_finite().fill_null(False))
    base = done.filter(pl.col(ratio) == 0).unique("seed").select("seed", pl.col(metric).alias("base"))
    if base.is_empty():
        raise invalid("trials", ratio, "has no finished trial at ratio 0 to compare with")
    frame = done.join(base, on="seed", how="inner").with_columns((pl.col(metric) - pl.col("base")).alias("difference"))
    figure, (ax,) = canvas(width=7.2, height=3.9)
    ax.axhline(0, color=INK, lw=1)
    for index, name in enumerate(frame.filter(pl.col(ratio) > 0)[kind].unique(maintain_order=True)):
        style = look(index)
        own = frame.filter((pl.col(kind) == name) | (pl.col(ratio) == 0)).select(ratio, "difference").to_pandas()
        sns.lineplot(
            own, x=ratio, y="difference", errorbar=("pi", 100), ax=ax, label=name, color=style["color"],
            linestyle=style["linestyle"], marker=style["marker"], markersize=7, err_kws={"alpha": 0.15, "lw": 0}, legend=False,
        )  # fmt: skip
    ax.xaxis.set_major_locator(FixedLocator(np.unique(frame[ratio].to_numpy()).tolist()))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    ax.set(
        xlabel="share of made text in the training mixture",
        ylabel="loss minus that without it\n(bits per byte), lower is better",
    )
    figure.legend(loc="outside lower center", ncols=3, fontsize=9, title="band: range of seeds", title_fontsize=9)
    return figure
