"""What becomes of the loss along the context."""

from __future__ import annotations

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure

from studylib.errors import invalid
from studylib.findings._figures.style import INK, canvas, look, named_ticks
from studylib.findings._finding import Finding
from studylib.frozen import Frozen
from studylib.words import Words


class EarlyLate(Frozen):
    """To the baseline, nats per token: in the first quarter of the context and in its second half."""

    variant: str
    early: float
    late: float


class Positions(Finding):
    """``orders`` from the one that uses long contexts best."""

    name = "position"
    title = Words(
        en="""{{ orders[0].variant }} differs from {{ baseline }} by {{ orders[0].early | signed(3) }} nats early in the context and
            {{ orders[0].late | signed(3) }} late""",
        ja="""{{ orders[0].variant }} と {{ baseline }} の差は文脈の前方で {{ orders[0].early | signed(3) }}、後方で
            {{ ' ' }}{{ orders[0].late | signed(3) }} nats""",
    )
    alt = Words(
        en="""Loss by position in the context against {{ baseline }}, nats per token:
            {% for one in orders %}
            {{ one.variant }} early {{ one.early | signed(3) }}, late {{ one.late | signed(3) }}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""文脈内の位置ごとの損失と {{ baseline }} との差(nats/トークン):
            {% for one in orders %}
            {{ one.variant }} 前方 {{ one.early | signed(3) }}、後方 {{ one.late | signed(3) }}{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )

    baseline: str
    orders: tuple[EarlyLate, ...]

    @classmethod
    def of(cls, table: pl.DataFrame, positions: pl.DataFrame, baseline: str) -> Positions | None:
        """``table``: columns ``variant``, ``early``, ``late``, a row an order to be drawn; ``positions``: of one source, at the end
        of training, from ``analysis.read_positions``. None of an empty table."""
        if table.is_empty():
            return None
        rows = table.select("variant", "early", "late").sort("late").iter_rows(named=True)
        return cls(baseline=baseline, orders=tuple(EarlyLate(**row) for row in rows)).drawn_from(positions)

    def draw(self, positions: pl.DataFrame) -> Figure:
        """As a difference to ``baseline`` at the same seed; mean and range over seeds."""
        keys = ["seed", "start", "stop"]
        base = positions.filter(pl.col("variant") == self.baseline).select(*keys, pl.col("loss").alias("base"))
        if base.is_empty():
            known = positions["variant"].unique().to_list()
            raise invalid("baseline", self.baseline, "has no loss by position", choices=known)
        frame = positions.join(base, on=keys, how="inner").with_columns(
            (pl.col("loss") - pl.col("base")).alias("difference"),
            ((pl.col("start") + 1) * pl.col("stop")).sqrt().alias("middle"),
        )
        figure, (ax,) = canvas(width=7.2, height=4.0)
        ax.axhline(0, color=INK, lw=1, label=self.baseline)
        for index, one in enumerate(self.orders):
            style = look(index)
            own = frame.filter(pl.col("variant") == one.variant).select("middle", "difference").to_pandas()
            sns.lineplot(
                own, x="middle", y="difference", errorbar=("pi", 100), ax=ax, label=one.variant, color=style["color"],
                linestyle=style["linestyle"], marker=style["marker"], markersize=6, err_kws={"alpha": 0.13, "lw": 0}, legend=False,
            )  # fmt: skip
        ax.set_xscale("log")
        bins = frame.select("start", "stop", "middle").unique().sort("start")
        labels = {m: f"{a + 1}" if a + 1 == b else f"{a + 1}-{b}" for a, b, m in bins.rows()}
        named_ticks(ax.xaxis, labels)
        ax.tick_params("x", labelsize=8.5)
        ax.set(
            xlabel="position in the context (tokens)",
            ylabel=f"loss minus that of {self.baseline}\n(nats per token), lower is better",
        )
        figure.legend(loc="outside lower center", ncols=3, fontsize=9)
        return figure
