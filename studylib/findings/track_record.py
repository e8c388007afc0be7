"""The track record: what fits on smaller sizes of public ladders said of larger ones that were trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from studylib.analysis import track_record as records
from studylib.findings._figures.style import INK, canvas, look, ticks
from studylib.findings._finding import Finding
from studylib.frozen import Frozen
from studylib.words import Words

_BESIDE = 1.018  # factor on the axis


class Tested(Frozen):
    """Hold-outs of one ladder; errors (median, absolute) and widths in percent of the loss, ``plain``: a least-squares fit of one form."""

    ladder: str
    hold_outs: int
    inside: int
    error: float
    plain: float
    width: float
    times: float


class ShapeClass(Frozen):
    """Percent of the loss behind the best class of aspect ratios, at equal FLOPs and at equal seconds."""

    aspect: str
    flops: float
    seconds: float


class TrackRecord(Finding):
    """``error``: median over all hold-outs, percent; ``pairs`` and ``held``: of corpora at a smaller size, and those in the order of the largest."""

    name = "track-record"
    title = Words(
        en="""{% set all = ladders | sum(attribute='hold_outs') %}{% set hit = ladders | sum(attribute='inside') %}
            Forecasts of sizes that were held out: {{ hit }} of {{ all }} truths lie inside the 90 % interval ({{ (hit / all) | percent }}),
            median error {{ error | fixed(2) }} %""",
        ja="""{% set all = ladders | sum(attribute='hold_outs') %}{% set hit = ladders | sum(attribute='inside') %}
            伏せておいた規模の予測:真値 {{ all }} 件中 {{ hit }} 件が 90 % 区間内({{ (hit / all) | percent }})、
            誤差の中央値 {{ error | fixed(2) }} %""",
    )
    alt = Words(
        en="""
            Percent by which forecasts and their 90 % intervals miss the loss that was trained, against how many times the largest fitted size
            it is. By ladder:
            {% for one in ladders %}
            {{ one.ladder }} {{ one.inside }} of {{ one.hold_outs }} inside up to {{ one.times | num }} times, median error
            {{ one.error | fixed(2) }} % (a plain fit {{ one.plain | fixed(2) }} %), median width {{ one.width | fixed(2) }} %
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""
            当てはめた最大規模の何倍かに対する、予測と 90 % 区間の実測損失からのずれ(%)。データ別:
            {% for one in ladders %}
            {{ one.ladder }} は {{ one.times | num }} 倍まで {{ one.hold_outs }} 件中 {{ one.inside }} 件が区間内、誤差の中央値
            {{ ' ' }}{{ one.error | fixed(2) }} %(単純な当てはめ {{ one.plain | fixed(2) }} %)、幅の中央値 {{ one.width | fixed(2) }} %
            {{- '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""
            Sources: {{ sources | listed }}.
            {% if pairs %} Of corpora, {{ held }} of {{ pairs }} pairs stood at smaller sizes in the order of the largest.{% endif %}
            {% if shapes %} Shapes on a public ladder, percent of the loss behind the best class of width over depth at equal FLOPs and at equal seconds:
            {% for one in shapes %}
            {{ one.aspect }} {{ one.flops | fixed(2) }} and {{ one.seconds | fixed(2) }}{{ '.' if loop.last else '; ' }}
            {% endfor %}{% endif %}""",
        ja="""
            出典:{{ sources | listed }}。
            {%- if pairs %}コーパスでは、小さい規模での {{ pairs }} 組中 {{ held }} 組が最大規模と同じ順位。{% endif %}
            {%- if shapes %}公開データの形状(幅/深さ)について、最良の区分からの損失の遅れ(%、同一 FLOPs と同一時間):
            {% for one in shapes %}
            {{ one.aspect }} は {{ one.flops | fixed(2) }} と {{ one.seconds | fixed(2) }}{{ '。' if loop.last else ';' }}
            {%- endfor %}{% endif %}""",
    )

    ladders: tuple[Tested, ...]
    error: float
    pairs: int
    held: int
    shapes: tuple[ShapeClass, ...]
    sources: tuple[str, ...]

    @classmethod
    def of(cls, record: records.TrackRecord) -> TrackRecord | None:
        """None where no ladder had hold-outs."""
        if record.together is None:
            return None
        titles = {one.ladder: one.title for one in record.sources}
        tested = tuple(
            Tested(
                ladder=titles.get(one.ladder, one.ladder), hold_outs=one.hold_outs, inside=one.inside, error=one.median_error_percent,
                plain=one.median_plain_error_percent, width=one.median_width_percent, times=one.largest_times,
            )
            for one in record.hold_outs
        )  # fmt: skip
        sources = tuple(
            f"{one.title} ({one.repository}@{one.commit[:8]}, {one.licence})" if one.commit else one.title
            for one in record.sources
        )
        return cls(
            ladders=tested, error=record.together.median_error_percent, sources=sources, pairs=sum(one.pairs for one in record.corpora),
            held=sum(one.held for one in record.corpora),
            shapes=tuple(
                ShapeClass(aspect=one.aspect, flops=one.behind_flops, seconds=one.behind_seconds) for one in record.shapes
            ),
        ).drawn_from(record.forecasts, titles)  # fmt: skip

    def draw(self, forecasts: Sequence[records.Forecasted], titles: dict[str, str]) -> Figure:
        """A bar a hold-out: forecast and interval, percent off the truth; open marks missed it."""
        figure, (ax,) = canvas(width=7.6, height=4.8)
        ax.axhline(0, color=INK, lw=1.2)
        for index, ladder in enumerate(dict.fromkeys(one.ladder for one in forecasts)):
            style, beside = look(index), Counter[float]()
            mark: dict[str, Any] = {"marker": style["marker"], "color": style["color"], "ls": "", "ms": 5.5}
            for one in (one for one in forecasts if one.ladder == ladder):
                place = one.times * _BESIDE ** (
                    3 * index + beside[one.times]
                )  # those of one size stand beside each other
                beside[one.times] += 1
                inside = one.low_percent <= 0 <= one.high_percent
                ax.plot([place] * 2, [one.low_percent, one.high_percent], color=style["color"], lw=1.1, alpha=0.5)
                ax.plot(place, one.error_percent, mfc=style["color"] if inside else "white", **mark)
            ax.plot([], [], label=titles.get(ladder, ladder), **mark)
        ax.plot([], [], "o", color=INK, mfc="white", ms=5.5, label="open: truth outside the interval")
        ax.set_xscale("log")
        ax.set_yscale("symlog", linthresh=2, linscale=1.2)
        ticks(ax.xaxis, (1, 2, 5, 10, 20, 50, 100))
        ticks(ax.yaxis, (-20, -10, -5, -2, -1, 0, 1, 2, 5, 10, 20))
        ax.set(xlabel="times the largest size fitted", ylabel="forecast over truth (percent), 90 % interval")
        figure.legend(loc="outside lower center", ncols=3, fontsize=9, columnspacing=1.0, handletextpad=0.2)
        return figure
