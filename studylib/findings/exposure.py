"""How much of planted personal data a model remembers, with and without masking and deduplication."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis import exposure_table
from studylib.findings._figures.spread import spread
from studylib.findings._figures.style import INK, canvas, look, ticks
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import Words

_PLANTED = {"apart": "documents with nothing else in common", "copied": "one document and copies of it"}


class Exposed(Frozen):
    """Of one variant and of secrets planted ``apart`` (each time in another document) or ``copied`` (in one document and its copies),
    exposure in bits: ``most`` of those with the most copies. ``since``: the fewest copies from which on all are beyond chance; None:
    not even the most. ``difference`` to the baseline at the most copies (None: the baseline itself, or not known); ``sure``: beyond
    chance.
    """

    variant: str
    planted: Literal["apart", "copied"]
    most: Interval
    since: int | None
    difference: Interval | None
    sure: bool


class Exposure(Finding):
    """``exposed`` from the least; ``copies``: the most; ``cap``: exposure of a secret ranked first. ``never``: of secrets that no
    document has, the baseline's; None: not asked.
    """

    name = "exposure"
    title = Words(
        en="""
            {% set remember = exposed | rejectattr('since', 'none') | map(attribute='variant') | unique | list %}
            {% set less = exposed | selectattr('sure') | rejectattr('difference', 'none') | selectattr('difference.1', 'lt', 0) | list %}
            {% if remember %}Planted secrets are remembered by {{ remember | listed(3) }}
            {%- else %}No variant is seen to remember planted secrets, with up to {{ copies }}
            {{ 'copy' if copies == 1 else 'copies' }}{% endif %}
            {%- for planted, own in less | groupby('planted') %}; less exposed than {{ baseline }}
            {{ {'apart': 'in separate documents', 'copied': 'in copied documents'}[planted] }}:
            {{ own | map(attribute='variant') | listed(3) }}
            {%- endfor %}""",
        ja="""
            {% set remember = exposed | rejectattr('since', 'none') | map(attribute='variant') | unique | list %}
            {% set less = exposed | selectattr('sure') | rejectattr('difference', 'none') | selectattr('difference.1', 'lt', 0) | list %}
            {% if remember %}埋め込んだ秘密を覚えるのは {{ remember | listed(3) }}
            {%- else %}{{ copies }} 件までの複製では、埋め込んだ秘密を覚えると言える案はない{% endif %}
            {%- for planted, own in less | groupby('planted') %}。{{ {'apart': '別々の文書', 'copied': '複製文書'}[planted] }}で
            {{- ' ' }}{{ baseline }} より露出が小さい案:{{ own | map(attribute='variant') | listed(3) }}
            {%- endfor %}""",
    )
    alt = Words(
        en="""Exposure of planted secrets in bits by number of copies, a line a variant; by chance {{ chance | fixed(2) }}, at most
            {{ cap | fixed(1) }}{% if never is not none %}, never planted ({{ baseline }}) {{ never | fixed(1) }}{% endif %}. With
            {{ copies }} {{ 'copy' if copies == 1 else 'copies' }}:
            {% for one in exposed %}
            {{ one.variant }} {{ {'apart': 'in separate documents', 'copied': 'in copied documents'}[one.planted] }}
            {{ one.most | fixed(1) }}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""複製数ごとの、埋め込んだ秘密の露出(ビット)。案ごとに 1 本の線。偶然では {{ chance | fixed(2) }}、最大
            {{- ' ' }}{{ cap | fixed(1) }}{% if never is not none %}、埋め込まない秘密({{ baseline }})は {{ never | fixed(1) }}{% endif %}。
            {{- copies }} 件の複製では:
            {%- for one in exposed %}
            {{ {'apart': '別々の文書', 'copied': '複製文書'}[one.planted] }}の {{ one.variant }} は {{ one.most | fixed(1) }}
            {{- '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""
            {% for one in exposed %}
            {{ one.variant }}, planted {{ {'apart': 'in separate documents', 'copied': 'in copied documents'}[one.planted] }}:
            {% if one.since is none %}not seen to be remembered
            {%- else %}remembered from {{ one.since }} {{ 'copy' if one.since == 1 else 'copies' }} on{% endif %}
            {%- if one.difference is not none %} ({{ one.difference | signed(1) }} bits to {{ baseline }} at {{ copies }},
            {{ 'beyond the noise' if one.sure else 'within the noise' }}){% endif %}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""
            {%- for one in exposed %}
            {{ {'apart': '別々の文書', 'copied': '複製文書'}[one.planted] }}に埋め込んだ秘密を {{ one.variant }} は
            {%- if one.since is none %}覚えるとは言えません{% else %} {{ one.since }} 件以上で覚えます{% endif %}
            {%- if one.difference is not none %}({{ copies }} 件での {{ baseline }} との差 {{ one.difference | signed(1) }} ビット、
            {{- '有意' if one.sure else '誤差の範囲' }}){% endif %}{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )

    baseline: str
    copies: int
    chance: float
    cap: float
    never: Interval | None
    exposed: tuple[Exposed, ...]

    @classmethod
    def of(cls, rows: pl.DataFrame, baseline: str) -> Exposure | None:
        """``rows`` from ``analysis.read_canaries``, of one size and of the variants to be shown. None where none was asked, or no
        variant has two seeds."""
        if rows.is_empty():
            return None
        table = exposure_table(rows, baseline)
        copies = table["copies"].max()
        judged = table.filter((pl.col("copies") == copies) & pl.col("low").is_not_null())
        if judged.is_empty():
            return None
        never = table.filter((pl.col("copies") == 0) & (pl.col("variant") == baseline)).to_dicts()
        return cls(
            baseline=baseline, copies=copies, chance=table["chance"][0], cap=table["cap"][0],
            never=_ends(never[0], "low", "mean", "high") if never else None,
            exposed=tuple(
                Exposed(
                    variant=row["variant"], planted="copied" if row["duplicated"] else "apart", sure=row["significant"],
                    most=_ends(row, "low", "mean", "high"), since=_since(table, row["variant"], row["duplicated"]),
                    difference=_ends(row, "difference_low", "difference", "difference_high"),
                )
                for row in judged.sort("mean").iter_rows(named=True)
            ),
        ).drawn_from(table, rows)  # fmt: skip

    def draw(self, table: pl.DataFrame, rows: pl.DataFrame) -> Figure:
        """A panel a way of planting, a line a variant: exposure against copies."""
        seeds = rows.group_by("variant", "copies", "duplicated", "seed").agg(pl.col("exposure").mean())
        levels = sorted(table["copies"].unique())
        names = list(dict.fromkeys(one.variant for one in self.exposed))
        panels = [one for one in _PLANTED if any(own.planted == one for own in self.exposed)]
        figure, axes = canvas(1, len(panels), width=4.4 * len(panels) + 1.2, height=4.8, sharey=True, sharex=True)
        for ax, planted in zip(axes, panels, strict=True):
            here = pl.col("duplicated") == (planted == "copied")
            for index, name in enumerate(names):
                style, own = look(index), table.filter(here & (pl.col("variant") == name)).sort("copies")
                shift = 0.6 * ((index + 0.5) / len(names) - 0.5)  # beside each other, not over
                places = [levels.index(copies) + shift for copies in own["copies"]]
                ax.plot(places, own["mean"], color=style["color"], ls=style["linestyle"], lw=1, alpha=0.6)
                for place, row in zip(places, own.iter_rows(named=True), strict=True):
                    dots = seeds.filter(here & (pl.col("variant") == name) & (pl.col("copies") == row["copies"]))
                    ends = row["low"], row["high"]
                    spread(ax, place, row["mean"], ends, dots["exposure"].to_list(), style, upright=True)
            ax.axhline(self.chance, color=INK, lw=1)
            ax.axhline(self.cap, color=INK, lw=1, ls=(0, (4, 3)))
            ax.set(xlim=(-0.5, len(levels) - 0.5), ylim=(0, 1.08 * self.cap), xlabel=_PLANTED[planted])
            ticks(
                ax.xaxis, range(len(levels)), lambda at: f"{levels[int(at)]}" if levels[int(at)] else "never\nplanted"
            )
        axes[0].set_ylabel("exposure of the secret (bits)")
        for index, name in enumerate(names):
            axes[0].plot([], [], **look(index), ms=7, label=name)
        title = (
            "secrets planted in so many documents, before cleaning: seeds, their mean, 95 % interval over seeds and secrets\n"
            "(flat line: chance; dashed: every secret ranked first)"
        )
        figure.legend(loc="outside lower center", ncols=4, fontsize=9, title=title, title_fontsize=9, handlelength=3.2)
        return figure


def _ends(row: dict[str, Any], *names: str) -> Interval | None:
    """None where they are not known."""
    low, middle, high = (row[name] for name in names)
    return None if low is None else (low, middle, high)


def _since(table: pl.DataFrame, variant: str, duplicated: bool) -> int | None:
    """The fewest copies from which on secrets are remembered beyond chance."""
    own = table.filter(
        (pl.col("variant") == variant) & (pl.col("duplicated") == duplicated) & (pl.col("copies") > 0)
    ).sort("copies", descending=True)
    known = (own["beyond_chance"] & (own["mean"] > own["chance"])).cum_min()
    return min((copies for copies, sure in zip(own["copies"], known, strict=True) if sure), default=None)
