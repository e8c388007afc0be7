"""What a comparison in the middle of a run would have said."""

from __future__ import annotations

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure

from studylib import analysis
from studylib.findings._figures.style import INK, PALETTE, canvas
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import Words


class Point(Frozen):
    """``progress`` in percent of the run's tokens; ``difference`` in bits per byte."""

    progress: float
    difference: Interval


class MidRun(Finding):
    """``variant`` minus ``baseline``, paired; ``widest``: where the baseline is furthest ahead before the ``end``."""

    name = "mid-run"
    title = Words(
        en="""At {{ widest.progress | fixed(0) }} % of the run {{ variant }} is {{ widest.difference[1] | signed(3) }} bits per byte from
            {{ baseline }}, at the end {{ end.difference[1] | signed(3) }}:
            {% if widest.difference[0] <= 0 or end.difference[0] > 0 %}the end is what counts
            {% elif end.difference[2] < 0 %}the ranks flip by the end{% else %}at the end they cannot be told apart{% endif %}""",
        ja="""{{ variant }} と {{ baseline }} の差は {{ widest.progress | fixed(0) }} % の時点で {{ widest.difference[1] | signed(3) }}、
            終点では {{ end.difference[1] | signed(3) }} bits/byte:
            {% if widest.difference[0] <= 0 or end.difference[0] > 0 %}終点で比べるべき
            {% elif end.difference[2] < 0 %}終わりには順位が入れ替わる{% else %}終点では区別できない{% endif %}""",
    )
    alt = Words(
        en="""{{ variant }} minus {{ baseline }} along the run, paired over seeds:
            {% for one in along %}{{ one.progress | fixed(0) }} %: {{ one.difference | signed }}{{ '.' if loop.last else '; ' }}{% endfor %}""",
        ja="""学習の進行に沿った {{ variant }} と {{ baseline }} の差(シード対応):
            {% for one in along %}{{ one.progress | fixed(0) }} % で {{ one.difference | signed }}{{ '。' if loop.last else '、' }}{% endfor %}""",
    )
    words = Words(
        en="""At {{ widest.progress | fixed(0) }} % of a run {{ variant }} looks {{ widest.difference | signed(3) }} bits per byte off
            {{ baseline }}, at {{ end.progress | fixed(0) }} % {{ end.difference | signed(3) }}: compare ends only.""",
        ja="""{{ variant }} と {{ baseline }} の差は {{ widest.progress | fixed(0) }} % の時点で {{ widest.difference | signed(3) }}、
            {{ end.progress | fixed(0) }} % では {{ end.difference | signed(3) }} bits/byte です。比較は終点だけで行うべきです。""",
    )

    variant: str
    baseline: str
    widest: Point
    end: Point
    along: tuple[Point, ...]

    @classmethod
    def of(cls, curves: pl.DataFrame, variant: str, baseline: str) -> MidRun:
        """``curves`` from ``analysis.read_curves``; both variants of one size on equal tokens."""
        found = analysis.mid_run(curves, variant, baseline)
        along = [_point(row) for row in found.along.iter_rows(named=True)]
        return cls(
            variant=variant, baseline=baseline, widest=_point(found.widest), end=_point(found.end), along=tuple(along)
        ).drawn_from(found.along)

    def draw(self, rows: pl.DataFrame) -> Figure:
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
        ax.plot(100, self.end.difference[1], marker="D", ms=10, color=PALETTE[1], ls="", label="the end", zorder=5)
        ax.set(
            xlabel="progress of the run (% of its tokens)",
            ylabel=f"{self.variant} minus {self.baseline}\n(bits per byte), lower is better",
        )
        figure.legend(loc="outside lower center", ncols=3, fontsize=9)
        return figure


def _point(row: dict[str, float]) -> Point:
    return Point(progress=100 * row["progress"], difference=(row["low"], row["difference"], row["high"]))
