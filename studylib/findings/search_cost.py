"""What ending hopeless points early saves a search, and what it loses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from studylib.analysis import NoiseFloor
from studylib.findings._figures.style import LOSS, canvas, look
from studylib.findings._finding import Finding
from studylib.frozen import Frozen
from studylib.search import SearchResult
from studylib.words import Words


class Searched(Frozen):
    """``whole`` of the ``points`` were trained to the end; ``best`` in bits per byte."""

    name: Literal["grid", "pruned"]
    points: int
    whole: int
    flops: float
    best: float


class SearchCost(Finding):
    """Percent: what the pruned search cost of the grid, how far its best lies above, and what chance alone makes of one seed.

    ``first_rung``, ``end``: the point that is best after the first rung, and at the end.
    """

    name = "search"
    title = Words(
        en="""Ending hopeless points early takes {{ cost_percent | fixed(0) }} % of the grid's FLOPs and ends {{ worse_percent | signed(2) }} %
            from its best loss (one seed: chance alone gives ±{{ chance_percent | fixed(1) }} %)""",
        ja="""見込みのない点の打ち切りで FLOPs は格子探索の {{ cost_percent | fixed(0) }} %、損失は最良値と {{ worse_percent | signed(2) }} % の差
            (1 シード、偶然だけでも ±{{ chance_percent | fixed(1) }} %)""",
    )
    alt = Words(
        en="""Best loss so far against FLOPs spent.
            {% for one in searches %}
            {{ one.name }}: {{ one.points }} points, {{ one.whole }} of them to the end, {{ '%.3g' % one.flops }} FLOPs, best
            {{ one.best | fixed }}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""使った FLOPs に対するその時点の最良損失。
            {% for one in searches %}
            {{ {'grid': '格子', 'pruned': '打ち切り'}[one.name] }}:{{ one.points }} 点(うち最後まで {{ one.whole }} 点)、
            {{- '%.3g' % one.flops }} FLOPs、最良 {{ one.best | fixed }}{{ '。' if loop.last else ';' }}
            {% endfor %}""",
    )
    words = Words(
        en="""{% if first_rung != end %}The first rung prefers {{ first_rung }}, the whole run {{ end }}: what is best moves with the
            length of a run.{% endif %}""",
        ja="""{% if first_rung != end %}最初の段では {{ first_rung }}、最後まで学習すると {{ end }} が最良で、最適値は学習の長さとともに
            動きます。{% endif %}""",
    )

    cost_percent: float
    worse_percent: float
    chance_percent: float
    searches: tuple[Searched, ...]
    first_rung: str
    end: str

    @classmethod
    def of(cls, searches: Mapping[str, SearchResult], noise: NoiseFloor) -> SearchCost | None:
        """``noise`` of one trial: both searches judge a point by one seed. None unless ``grid`` and ``pruned`` are there."""
        if not {"grid", "pruned"} <= set(searches):
            return None
        grid, pruned = searches["grid"], searches["pruned"]
        first = min((one for one in pruned.tried if one.values[0] is not None), key=lambda one: one.values[0])
        pair = {"grid": grid, "pruned": pruned}
        return cls(
            cost_percent=100 * pruned.flops / grid.flops,
            worse_percent=100 * (pruned.best.value / grid.best.value - 1),
            chance_percent=100 * 2 * 2**0.5 * noise.paired_sd / grid.best.value,
            searches=tuple(
                Searched(
                    name=name, points=len(one.tried), whole=sum(point.state == "full" for point in one.tried),
                    flops=one.flops, best=one.best.value,
                )
                for name, one in pair.items()
            ),
            first_rung=_told(first.point), end=_told(grid.best.point),
        ).drawn_from({name: one.frame() for name, one in pair.items()})  # fmt: skip

    def draw(self, searches: Mapping[str, pl.DataFrame]) -> Figure:
        """A line a search; crosses are points that were ended early."""
        figure, (ax,) = canvas(width=7.2, height=4.0)
        lowest, greatest = np.inf, -np.inf
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:.2g}".replace("e+", "e"))
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
            lowest, greatest = (
                min(lowest, float(best[known].min())),
                max(greatest, float(np.quantile(values[full], 0.75))),
            )
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


def _told(point: Mapping[str, Any]) -> str:
    """``learning_rate 0.004``."""
    return ", ".join(
        f"{field.rpartition('.')[2]} {value:.3g}" if isinstance(value, float) else f"{field.rpartition('.')[2]} {value}"
        for field, value in point.items()
    )
