"""What a search cost, and which of its fields matter."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from studylib.errors import invalid
from studylib.report.figures.style import BAR, LOSS, PALETTE, canvas, look


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
    sns.barplot(frame, y="field", x="share", color=BAR, ax=ax, width=0.65)
    for place, (low, middle, high) in enumerate(shares.values()):
        error = [[100 * (middle - low)], [100 * (high - middle)]]
        ax.errorbar(100 * middle, place, xerr=error, fmt="o", color=PALETTE[0], capsize=4)
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="share in getting among the best points (%), 90 % bootstrap interval", ylabel="", xlim=(0, 100))
    return figure
