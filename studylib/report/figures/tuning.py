"""Figures of hyperparameters: basins of the learning rate, cooldowns of a trunk, repeated text, searches, settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from studylib.analysis.along import MidRun
from studylib.analysis.basin import BasinFit
from studylib.errors import invalid
from studylib.report.figures.style import INK, MUTED, PALETTE, canvas, look, wrapped
from studylib.report.numbers import short

LOSS = "validation loss (bits per byte)"


def rate_basins(trials: pl.DataFrame, fits: Mapping[str, Mapping[int, BasinFit]], *, panel: str = "init") -> Figure:
    """Loss against learning rate, a line a width, a panel a parametrisation; the fitted optimum with its interval below.

    Parameters
    ----------
    trials
        Columns ``learning_rate``, ``width``, ``val_bpb``, ``seed`` and ``panel``.
    fits
        By panel and width.
    """
    done = trials.filter(pl.col("val_bpb").is_finite().fill_null(False))
    if done.is_empty():
        raise invalid("trials", panel, "has no finished trial to draw")
    figure, axes = canvas(1, len(fits), width=max(6.4, 3.9 * len(fits)), height=4.6, sharey=True)
    # One scale for all panels. What diverged nearly, far above everything, would press the basins flat.
    least = float(done["val_bpb"].min())
    top = min(float(done["val_bpb"].max()), least * 1.45)
    step = 0.045 * (top - least)
    for ax, (name, by_width) in zip(axes, fits.items(), strict=True):
        own = done.filter(pl.col(panel) == name)
        for index, (width, fit) in enumerate(by_width.items()):
            style = look(index)
            frame = own.filter(pl.col("width") == width).select("learning_rate", "val_bpb").to_pandas()
            sns.lineplot(
                frame, x="learning_rate", y="val_bpb", ax=ax, errorbar=("pi", 100), label=f"{width} wide",
                color=style["color"], linestyle=style["linestyle"], marker=style["marker"], markersize=6,
                err_kws={"alpha": 0.15, "lw": 0}, legend=False,
            )  # fmt: skip
            y = least - (index + 1.5) * step
            if fit.optimum is None or fit.interval is None:
                ax.plot(fit.sampled[0 if "least" in fit.reason else 1], y, "x", color=style["color"], ms=7, mew=2)
                continue
            ax.plot(fit.interval, [y, y], color=style["color"], lw=2.4, solid_capstyle="butt")
            ax.plot(fit.optimum, y, marker=style["marker"], color=style["color"], ms=8, mec=INK)
        ax.set_xscale("log")
        ax.set_ylim(least - (max(map(len, fits.values())) + 1.8) * step, top + 2 * step)
        rates = sorted(own["learning_rate"].unique())
        ax.xaxis.set_major_locator(FixedLocator(rates[:: -(-len(rates) // 6)]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.text(0.5, 0.985, name, transform=ax.transAxes, ha="center", va="top", fontsize=10.5, fontweight="bold")
        ax.set(xlabel="learning rate (log scale)", ylabel=LOSS)
    handles = dict(zip(*reversed(axes[0].get_legend_handles_labels()), strict=True))
    handles["below: optimum, 95 % interval"] = axes[0].plot([], [], "o-", color=INK, mec=INK)[0]
    if any(fit.optimum is None for by_width in fits.values() for fit in by_width.values()):
        handles["best at the edge"] = axes[0].plot([], [], "x", color=INK, ms=7, mew=2)[0]
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, fontsize=9)
    return figure


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


def repeated(table: pl.DataFrame, noise: float) -> Figure:
    """Loss above that of fresh text by how often the text is seen. ``table``: ``epochs, difference, low, high``."""
    rows = table.sort("epochs")
    figure, (ax,) = canvas(width=7.2, height=3.8)
    ax.axhspan(-noise, noise, color="#8b949e", alpha=0.18, lw=0, label="below the minimum detectable effect")
    ax.axhline(0, color=INK, lw=1)
    error = np.stack([(rows["difference"] - rows["low"]).to_numpy(), (rows["high"] - rows["difference"]).to_numpy()])
    ax.errorbar(
        rows["epochs"],
        rows["difference"],
        error,
        fmt="o-",
        color=PALETTE[0],
        capsize=4,
        ms=8,
        label="repeated, mean and paired 95 % interval",
    )
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(FixedLocator(rows["epochs"].to_list()))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set(xlabel="times that the same text is seen, at equal tokens", ylabel="loss above fresh text\n(bits per byte)")
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure


def gains(table: pl.DataFrame) -> Figure:
    """What an optimizer gains, by what it is held against and by size.

    ``table``: a row an optimizer, size and ``against``, with ``gain, low, high`` in percent of the loss; positive is better.
    """
    if table.is_empty():
        raise invalid("table", "", "has no gain to draw")
    sizes = table["size"].unique(maintain_order=True).to_list()
    figure, axes = canvas(
        1,
        len(sizes),
        width=max(6.6, 3.6 * len(sizes)),
        height=1.9 + 0.55 * table["variant"].n_unique(),
        sharex=True,
        sharey=True,
    )
    names = table["variant"].unique(maintain_order=True).to_list()
    sides = table["against"].unique(maintain_order=True).to_list()
    for ax, size in zip(axes, sizes, strict=True):
        ax.axvline(0, color=INK, lw=1)
        for index, against in enumerate(sides):
            style = look(index)
            own = table.filter((pl.col("size") == size) & (pl.col("against") == against))
            for row in own.iter_rows(named=True):
                y = names.index(row["variant"]) + (index - (len(sides) - 1) / 2) * 0.3
                ax.plot([row["low"], row["high"]], [y, y], color=style["color"], lw=2.2, ls=style["linestyle"])
                ax.plot(row["gain"], y, marker=style["marker"], color=style["color"], ms=8)
        ax.set_yticks(range(len(names)), [wrapped(name) for name in names], color=INK)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.grid(axis="y", visible=False)
        ax.set_xlabel(f"loss saved at {size} parameters (%)")  # the place for titles is the Japanese line's
    for index, against in enumerate(sides):
        style = look(index)
        axes[0].plot(
            [], [], marker=style["marker"], ls=style["linestyle"], color=style["color"], label=f"over {against}"
        )
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure


def search_cost(searches: Mapping[str, pl.DataFrame]) -> Figure:
    """The best loss found so far against FLOPs spent, a line a search; crosses are points that were ended early.

    ``searches``: ``SearchResult.frame()`` by name.
    """
    figure, (ax,) = canvas(width=7.2, height=4.0)
    lowest, greatest = np.inf, -np.inf
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2g}".replace("e+", "e")))
    for index, (name, frame) in enumerate(searches.items()):
        style = look(index)
        spent = frame["flops"].cum_sum().to_numpy()
        values = frame["value"].to_numpy()
        best = np.minimum.accumulate(np.where(np.isfinite(values), values, np.inf))
        known = np.isfinite(best)
        ax.step(
            spent[known],
            best[known],
            where="post",
            color=style["color"],
            ls=style["linestyle"],
            label=f"{name}: best so far",
        )
        full = frame["state"].to_numpy() == "full"
        ax.plot(spent[full], values[full], marker=style["marker"], ls="", color=style["color"], ms=7, alpha=0.8)
        ax.plot(spent[-1], best[-1], marker="|", ms=16, mew=2.5, color=style["color"])
        lowest, greatest = min(lowest, float(best[known].min())), max(greatest, float(np.quantile(values[full], 0.75)))
        ended = frame.filter(pl.col("state") == "pruned")
        cost = spent[frame["state"].to_numpy() == "pruned"]
        if len(ended):
            greatest = max(greatest, float(ended["last"].quantile(0.75)))
        ax.plot(
            cost,
            ended["last"].to_numpy(),
            "x",
            color=style["color"],
            ms=6,
            label=f"{name}: ended early" if len(ended) else None,
        )
    ax.set_ylim(lowest - 0.1 * (greatest - lowest), greatest + 0.15 * (greatest - lowest))
    ax.set(xlabel="training FLOPs spent by the search", ylabel=LOSS)
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure


def importances(shares: Mapping[str, tuple[float, float, float]]) -> Figure:
    """Importance of each searched field with its bootstrap interval."""
    if not shares:
        raise invalid("shares", {}, "is empty: there is nothing to draw")
    figure, (ax,) = canvas(width=7.2, height=1.4 + 0.45 * len(shares))
    frame = pl.DataFrame(
        {"field": list(shares), "share": [100 * middle for _, middle, _ in shares.values()]}
    ).to_pandas()
    sns.barplot(frame, y="field", x="share", color="#9cc7e3", ax=ax, width=0.65)
    for place, (low, middle, high) in enumerate(shares.values()):
        error = [[100 * (middle - low)], [100 * (high - middle)]]
        ax.errorbar(100 * middle, place, xerr=error, fmt="o", color=PALETTE[0], capsize=4)
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="share in getting among the best points (%), 90 % bootstrap interval", ylabel="", xlim=(0, 100))
    return figure


def settings_table(rows: Sequence[Mapping[str, str | bool]]) -> Figure:
    """The settings of the target as a table: ``setting, value, interval, basis, decided``."""
    if not rows:
        raise invalid("rows", [], "is empty: there is no setting")
    columns = {"setting": 0.0, "value": 0.2, "interval": 0.37, "basis": 0.66, "decided": 0.9}
    heads = ("setting", "value", "interval or rivals", "basis", "decided")
    cells = [
        {key: wrapped(str(row[key]), {"interval": 30, "basis": 26}.get(key, 20)) for key in list(columns)[:-1]}
        for row in rows
    ]
    heights = [max(text.count("\n") + 1 for text in cell.values()) for cell in cells]
    total = sum(heights) + 0.45 * len(rows) + 1.6
    figure, (ax,) = canvas(width=9.2, height=0.9 + 0.2 * total)
    ax.set(xlim=(0, 1), ylim=(total, 0))
    ax.axis("off")
    for head, x in zip(heads, columns.values(), strict=True):
        ax.text(x, 0.2, head, fontsize=10, fontweight="bold", va="top")
    ax.axhline(1.4, color=INK, lw=1)
    y = 1.7
    for row, cell, height in zip(rows, cells, heights, strict=True):
        for key, text in cell.items():
            ax.text(columns[key], y, text, fontsize=9.5, va="top", linespacing=1.15)
        sure = bool(row["decided"])
        ax.text(
            columns["decided"],
            y,
            "✓ yes" if sure else "open",
            fontsize=9.5,
            va="top",
            color=PALETTE[2] if sure else PALETTE[1],
        )
        y += height + 0.45
        ax.axhline(y - 0.22, color="#e3e6ea", lw=0.7)
    return figure
