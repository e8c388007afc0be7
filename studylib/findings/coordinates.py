"""The coordinate check: whether what training adds to activations keeps its size over widths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure

from studylib.analysis import growth_with_width
from studylib.findings._figures.style import MUTED, canvas, look, ticks
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import Words


class Place(Frozen):
    """``power`` of the width with which the change goes, least and greatest over seeds; ``flat``: next to none."""

    init: str
    where: str
    power: Interval
    flat: bool


class Coordinates(Finding):
    name = "coordinates"
    title = Words(
        en="""What training adds to activations, over widths:
            {% for init, own in places | groupby('init') %}
            {{ init }} is flat at {{ own | selectattr('flat') | list | length }} of {{ own | length }} places (greatest power
            {{ own | map(attribute='power.1') | max | signed(2) }}){{ '' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""幅に対する活性の更新量:
            {% for init, own in places | groupby('init') %}
            {{ init }} は {{ own | length }} か所中 {{ own | selectattr('flat') | list | length }} か所で平坦(最大の指数
            {{ ' ' }}{{ own | map(attribute='power.1') | max | signed(2) }}){{ '' if loop.last else '、' }}
            {% endfor %}""",
    )
    alt = Words(
        en="""Size of what a few steps add to activations, against width, by place in the model. Powers of the width:
            {% for one in places %}{{ one.init }} {{ one.where }} {{ one.power | signed(2) }}{{ '.' if loop.last else '; ' }}{% endfor %}""",
        ja="""数ステップで活性に加わる量の大きさと幅の関係。幅の指数:
            {% for one in places %}{{ one.init }} の {{ one.where }} {{ one.power | signed(2) }}{{ '。' if loop.last else '、' }}{% endfor %}""",
    )

    places: tuple[Place, ...]

    @classmethod
    def of(cls, records: Sequence[dict[str, Any]]) -> Coordinates | None:
        """``records`` of ``train.coordinates.coordinate_check``, of one or several parametrisations; None without any."""
        if not records:
            return None
        places = tuple(
            Place(init=row["init"], where=row["where"], power=(row["low"], row["power"], row["high"]), flat=row["flat"])
            for row in growth_with_width(records).iter_rows(named=True)
        )
        return cls(places=places).drawn_from(records)

    def draw(self, records: Sequence[dict[str, Any]]) -> Figure:
        """Mean and range over seeds after the last step, a panel a parametrisation; flat lines: one rate serves all widths."""
        frame = pl.DataFrame(list(records))
        chosen = frame["step"].max()
        rows = frame.filter((pl.col("step") == chosen) & (pl.col("change") > 0))
        inits, places = (rows[name].unique(maintain_order=True).to_list() for name in ("init", "where"))
        figure, axes = canvas(1, len(inits), width=2.7 * len(inits) + 1.2, height=4.4, sharey=True)
        for ax, init in zip(axes, inits, strict=True):
            own = rows.filter(pl.col("init") == init).select("width", "where", "change").to_pandas()
            for index, place in enumerate(places):
                style = look(index)
                sns.lineplot(
                    own[own["where"] == place], x="width", y="change", ax=ax, label=place, color=style["color"], legend=False,
                    linestyle=style["linestyle"], marker=style["marker"], markersize=5.5, errorbar=("pi", 100),
                    err_kws={"alpha": 0.15, "lw": 0},
                )  # fmt: skip
            ax.set_xscale("log", base=2)
            ax.set_yscale("log", base=2)
            ticks(ax.xaxis, sorted(set(rows["width"])))
            ax.yaxis.set_major_formatter("{x:g}")
            ax.text(
                0.04, 0.97, init, transform=ax.transAxes, ha="left", va="top", fontsize=11, color=MUTED,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 2},
            )  # fmt: skip
            label = f"change of activations\n(root mean square, after {chosen} steps)"
            ax.set(xlabel="hidden size", ylabel=label if ax is axes[0] else "")
        axes[0].set_ylim(top=3 * axes[0].get_ylim()[1])  # room for the panels' names
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=min(4, 2 * len(inits)), fontsize=9, handlelength=3.2
        )
        return figure
