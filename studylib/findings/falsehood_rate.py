"""How false facts, or other noise, become what a model takes for true: dose and response."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis import falsehood_rates
from studylib.findings._figures.spread import spread
from studylib.findings._figures.style import INK, canvas, look, ticks
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Fraction, Frozen
from studylib.result import Text
from studylib.words import Words

_LIKELIEST = {"right": "right answer", "false": "false answer of the web text"}


class Dose(Frozen):
    """At one rate, of the same questions at every rate: shares of the right and of the web text's false answer as the likeliest, and
    ``margin``: by how many nats the latter is above other wrong ones; ``beyond``: other than at the lowest rate, beyond chance.
    """

    rate: Fraction
    right: Fraction
    false: Fraction
    margin: Interval
    beyond: bool


class FalsehoodRate(Finding):
    """``doses`` by rising rate of ``what`` in what is trained on, ``text``; ``slope``: of the margin, nats for 10 percentage
    points more; ``rises``: beyond chance.
    """

    name = "falsehood-rate"
    title = Words(
        en="""
            {{ text }}: {% if rises %}the web text's false answers {{ 'gain' if slope[1] > 0 else 'lose' }} {{ slope[1] | abs | fixed(3) }} nats for
            every 10 points more in the {{ what }}
            {%- else %}no effect of the {{ what }} on the belief in false answers is seen up to {{ (100 * doses[-1].rate) | short }} %
            {%- endif %}""",
        ja="""
            {{ text }}:{% if rises %}{{ what }}が 10 ポイント増えるごとに、ウェブの虚偽の答えの尤度は {{ slope[1] | abs | fixed(3) }} nats
            {{ ' 上がる' if slope[1] > 0 else ' 下がる' }}
            {%- else %}{{ what }} {{ (100 * doses[-1].rate) | short }} % まで、虚偽を信じる効果は見えない{% endif %}""",
    )
    alt = Words(
        en="""Likeliest answers by {{ what }}, the same questions at every rate (a single answer is likeliest in {{ chance | percent }} by
            chance):
            {% for one in doses %}
            at {{ (100 * one.rate) | short }} % right {{ one.right | percent }}, as the web text tells or would tell it falsely
            {{ one.false | percent }}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""{{ what }}ごとの最も尤度の高い答え。質問はどの割合でも同じ(答え一つあたりの偶然は {{ chance | percent }}):
            {%- for one in doses %}
            {{ (100 * one.rate) | short }} % では正答 {{ one.right | percent }}、ウェブの虚偽 {{ one.false | percent }}
            {{- '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""The web text's false answers above other wrong ones, nats:
            {% for one in doses %}
            {{ one.margin | signed(2) }} at {{ (100 * one.rate) | short }} %{{ ' (not as at the lowest rate)' if one.beyond else '' }}
            {{- '; ' }}
            {% endfor %}
            for 10 percentage points more {{ slope | signed(3) }}.""",
        ja="""ウェブの虚偽の答えと他の誤答の差(nats):
            {%- for one in doses %}
            {{ (100 * one.rate) | short }} % で {{ one.margin | signed(2) }}{{ '(最低の割合と有意差)' if one.beyond else '' }};
            {%- endfor %}
            10 ポイント増えるごとに {{ slope | signed(3) }}。""",
    )

    what: Text
    text: str
    chance: Fraction
    slope: Interval
    rises: bool
    doses: tuple[Dose, ...]

    @classmethod
    def of(cls, rows: pl.DataFrame, what: Text, text: str, rate: str = "false_facts") -> FalsehoodRate | None:
        """None with fewer than two rates, or without two seeds.

        Parameters
        ----------
        rows
            From ``analysis.read_falsehoods``, of one size and variant, that differ in the column ``rate``.
        what
            It in words, as a share ("share of facts told falsely", 虚偽の事実の割合).
        text
            Which text was trained on, by its name: several of them are shown beside each other.
        """
        if rows.is_empty() or rows[rate].n_unique() < 2:
            return None
        table, slope = falsehood_rates(rows, rate)
        if slope["low"] is None:
            return None
        cells = {(row["rate"], row["value"]): row for row in table.iter_rows(named=True)}
        doses = []
        for one in sorted(table["rate"].unique()):
            margin = cells[one, "false_margin"]
            if margin["low"] is not None:
                ends = (margin["low"], margin["mean"], margin["high"])
                shares = {name: cells[one, name]["mean"] for name in _LIKELIEST}
                doses.append(Dose(rate=one, margin=ends, beyond=margin["significant"], **shares))
        return cls(
            what=what, text=text, chance=table.filter(pl.col("value") == "false")["chance"][0], doses=tuple(doses), rises=slope["p"] < 0.05,
            slope=(slope["low"] / 10, slope["mean"] / 10, slope["high"] / 10),
        ).drawn_from(table, rows.with_columns(pl.col(rate).cast(pl.Float64).alias("rate")))  # fmt: skip

    def draw(self, table: pl.DataFrame, rows: pl.DataFrame) -> Figure:
        """The margin in nats, and the shares of likeliest answers, against the rate."""
        seeds = rows.group_by("rate", "seed").agg(pl.col("false_margin", *_LIKELIEST).mean())
        rates = sorted(table["rate"].unique())
        figure, (left, right) = canvas(1, 2, width=8.2, height=4.2)
        for ax, value, index in ((left, "false_margin", 1), (right, "right", 0), (right, "false", 1)):
            style, own = look(index), table.filter(pl.col("value") == value).sort("rate")
            shift = 0.012 * (rates[-1] - rates[0]) * (2 * index - 1)  # beside each other, not over
            ax.plot(own["rate"] + shift, own["mean"], color=style["color"], ls=style["linestyle"], lw=1.4)
            for row in own.iter_rows(named=True):
                dots = seeds.filter(pl.col("rate") == row["rate"])[value].to_list()
                spread(ax, row["rate"] + shift, row["mean"], (row["low"], row["high"]), dots, style, upright=True)
        left.axhline(0, color=INK, lw=1)
        right.axhline(self.chance, color=INK, lw=1)
        right.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        left.set_ylabel("false answer of the web text above\nother wrong ones (nats)")
        right.set_ylabel("share of questions where\nit is the likeliest answer")
        for ax in (left, right):
            ticks(ax.xaxis, rates, lambda value: f"{100 * value:g} %")
            ax.set_xlabel(self.what.en)
        for index, label in enumerate(_LIKELIEST.values()):
            right.plot([], [], **look(index), ms=7, label=label)
        title = "seeds, their mean, 95 % interval over seeds and questions (flat line: chance)"
        figure.legend(loc="outside lower center", ncols=2, fontsize=9, title=title, title_fontsize=9, handlelength=3.2)
        return figure
