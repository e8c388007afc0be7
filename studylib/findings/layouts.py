"""How many small trials at a time, on how many threads each, serve a search best."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.findings._figures.throughput import throughput
from studylib.findings._finding import Finding
from studylib.findings._quiet import REMARK, mark, not_quiet
from studylib.frozen import Frozen
from studylib.words import Text, Words


class Layout(Frozen):
    """Workers x threads; the median of the rounds."""

    layout: str
    trials_an_hour: float


class Layouts(Finding):
    """``layouts`` from the fastest to the slowest; ``remark``: that the machine was not quiet."""

    name = "layouts"
    title = Words(
        en="""{{ layouts[0].layout }} (workers x threads) trains {{ (layouts[0].trials_an_hour / layouts[-1].trials_an_hour) | fixed(2) }}
            times as many tiny trials an hour as {{ layouts[-1].layout }}""",
        ja="""小さな試行では {{ layouts[0].layout }}(ワーカー × スレッド)が {{ layouts[-1].layout }} の
            {{ ' ' }}{{ (layouts[0].trials_an_hour / layouts[-1].trials_an_hour) | fixed(2) }} 倍の試行をこなす""",
    )
    alt = Words(
        en="""Trials an hour by workers x threads:
            {% for one in layouts %}{{ one.layout }} {{ one.trials_an_hour | num }}{{ '.' if loop.last else ', ' }}{% endfor %}""",
        ja="""配置ごとの 1 時間あたり試行数:
            {% for one in layouts %}{{ one.layout }} {{ one.trials_an_hour | num }}{{ '。' if loop.last else '、' }}{% endfor %}""",
    )
    words = REMARK

    layouts: tuple[Layout, ...]
    remark: Text | None = None

    @classmethod
    def of(cls, measured: pl.DataFrame) -> Layouts:
        """``measured``: columns ``variant`` (workers x threads), ``trials_an_hour`` and ``others``, a row a round."""
        rows = measured.group_by("variant", maintain_order=True).agg(pl.col("trials_an_hour").median())
        rows = rows.sort("trials_an_hour", descending=True).rows()
        layouts = tuple(Layout(layout=name, trials_an_hour=rate) for name, rate in rows)
        return cls(layouts=layouts, remark=not_quiet(measured["others"].median())).drawn_from(measured)

    def draw(self, measured: pl.DataFrame) -> Figure:
        return mark(throughput(measured, "trials_an_hour", "tiny trials an hour", "rounds"), self.remark)
