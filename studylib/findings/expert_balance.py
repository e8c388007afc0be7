"""How the use of experts evens out along the training."""

from __future__ import annotations

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from studylib.findings._figures.style import INK, canvas, look
from studylib.findings._finding import Finding
from studylib.frozen import Frozen
from studylib.numbers import short
from studylib.words import Words


class Balance(Frozen):
    """The busiest expert's tokens over the mean (1: even) at the first and the last logged step, mean over layers and seeds."""

    variant: str
    first: float
    last: float


class ExpertBalance(Finding):
    """``variants`` from the least even at the end."""

    name = "imbalance"
    title = Words(
        en="""Experts end at {{ variants[0].last | fixed(2) }} times an even share at worst ({{ variants[0].variant }}, from
            {{ variants[0].first | fixed(2) }} at the start)""",
        ja="""最も偏る {{ variants[0].variant }} でも、最も忙しい専門家は均等割の {{ variants[0].last | fixed(2) }} 倍で終わる
            (開始時 {{ variants[0].first | fixed(2) }} 倍)""",
    )
    alt = Words(
        en="""The busiest expert's tokens over the mean along the training, start to end:
            {% for one in variants %}
            {{ one.variant }} {{ one.first | fixed(2) }} → {{ one.last | fixed(2) }}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""学習中の最も忙しい専門家のトークン数(平均比)、開始→終了:
            {% for one in variants %}
            {{ one.variant }} {{ one.first | fixed(2) }} → {{ one.last | fixed(2) }}{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )

    variants: tuple[Balance, ...]

    @classmethod
    def of(cls, curves: pl.DataFrame) -> ExpertBalance | None:
        """``curves``: from ``analysis.read_imbalance``; None of an empty one."""
        if curves.is_empty():
            return None
        ends = [
            curves.filter(pl.col("step") == edge.over("hash")) for edge in (pl.col("step").min(), pl.col("step").max())
        ]
        first, last = (end.group_by("variant").agg(pl.col("imbalance").mean()) for end in ends)
        rows = first.rename({"imbalance": "first"}).join(last.rename({"imbalance": "last"}), on="variant")
        rows = rows.sort("last", "variant", descending=True).iter_rows(named=True)
        return cls(variants=tuple(Balance(**row) for row in rows)).drawn_from(curves)

    def draw(self, curves: pl.DataFrame) -> Figure:
        """Mean over layers and seeds with the seeds' range, a line a variant."""
        rows = curves.group_by("variant", "hash", "tokens", maintain_order=True).agg(pl.col("imbalance").mean())
        figure, (ax,) = canvas(width=7.2, height=3.8)
        frame = rows.select("variant", "tokens", "imbalance").to_pandas()
        for index, name in enumerate(rows["variant"].unique(maintain_order=True)):
            style = look(index)
            sns.lineplot(
                frame[frame["variant"] == name], x="tokens", y="imbalance", ax=ax, label=name, color=style["color"],
                linestyle=style["linestyle"], errorbar=("pi", 100), err_kws={"alpha": 0.15, "lw": 0},
            )  # fmt: skip
        ax.axhline(1.0, color=INK, lw=1, ls=":")
        ax.set_ylim(bottom=0.9)
        ax.xaxis.set_major_locator(MaxNLocator(6))
        ax.xaxis.set_major_formatter(lambda value, _: short(value))
        ax.set(xlabel="training tokens", ylabel="busiest expert's tokens over the mean")
        ax.legend(title="band: range of seeds", title_fontsize=9, fontsize=9)
        return figure
