"""Whether models repeat what the web text told falsely."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis import falsehood_table
from studylib.findings._figures.spread import spread
from studylib.findings._figures.style import INK, canvas, look, ticks, wrapped
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Fraction, Frozen
from studylib.words import Words

_LIKELIEST = {"right": "right answer", "false": "false answer of the web text", "other": "another answer"}
_TOLD = {"falsely": "tells falsely", "truly": "tells truly"}


class Believed(Frozen):
    """Of one variant: of questions about facts told falsely, the share of each likeliest answer; ``truths``: of those told truly, the
    share of right ones (None: there are none). ``margin``: nats of the false answer above other wrong ones; ``believes``: above 0
    beyond chance. ``difference`` of that margin to the baseline's (None: the baseline itself, or not known); ``sure``: beyond chance.
    """

    variant: str
    right: Fraction
    false: Fraction
    other: Fraction
    truths: Fraction | None
    margin: Interval
    believes: bool
    difference: Interval | None
    sure: bool


class Hallucination(Finding):
    """``variants`` from the one that believes the web's falsehoods least; ``chance``: share of each answer by chance."""

    name = "hallucination"
    title = Words(
        en="""
            {% set believe = variants | selectattr('believes') | list %}
            {% set less = variants | selectattr('sure') | rejectattr('difference', 'none') | selectattr('difference.1', 'lt', 0) | list %}
            {% set more = variants | selectattr('sure') | rejectattr('difference', 'none') | selectattr('difference.1', 'gt', 0) | list %}
            {% if believe %}{{ believe | length }} of {{ variants | length }} {{ 'variant' | plural(variants | length) }}
            {{ 'believes' if believe | length == 1 else 'believe' }} what the web text tells falsely
            {%- else %}No variant is seen to believe what the web text tells falsely{% endif %}
            {%- if less %}; less than {{ baseline }}: {{ less | map(attribute='variant') | listed(3) }}{% endif %}
            {%- if more %}; more than {{ baseline }}: {{ more | map(attribute='variant') | listed(3) }}{% endif %}""",
        ja="""
            {% set believe = variants | selectattr('believes') | list %}
            {% set less = variants | selectattr('sure') | rejectattr('difference', 'none') | selectattr('difference.1', 'lt', 0) | list %}
            {% set more = variants | selectattr('sure') | rejectattr('difference', 'none') | selectattr('difference.1', 'gt', 0) | list %}
            {% if believe %}ウェブ文章の虚偽を信じるのは {{ variants | length }} 案中 {{ believe | length }} 案
            {%- else %}ウェブ文章の虚偽を信じると言える案はない{% endif %}
            {%- if less %}。{{ baseline }} より信じない:{{ less | map(attribute='variant') | listed(3) }}{% endif %}
            {%- if more %}。{{ baseline }} より信じる:{{ more | map(attribute='variant') | listed(3) }}{% endif %}""",
    )
    alt = Words(
        en="""Likeliest answers of {{ questions }} {{ 'question' | plural(questions) }} about facts that the web text tells falsely (each of
            the single answers is likeliest in {{ chance | percent }} by chance):
            {% for one in variants %}
            {{ one.variant }}: right {{ one.right | percent }}, as the web text tells it {{ one.false | percent }}, another
            {{ one.other | percent }}
            {%- if one.truths is not none %}, and right on facts told truly {{ one.truths | percent }}{% endif %}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""ウェブ文章が虚偽を語る事実についての {{ questions }} 問で最も尤度の高い答え(答え一つあたりの偶然は {{ chance | percent }}):
            {%- for one in variants %}
            {{ one.variant }} は正答 {{ one.right | percent }}、ウェブの虚偽 {{ one.false | percent }}、その他
            {{ ' ' }}{{ one.other | percent }}
            {%- if one.truths is not none %}、正しく語られた事実の正答 {{ one.truths | percent }}{% endif %}
            {{- '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""Log-likelihood of the web text's false answer above other wrong ones, nats, and the difference to {{ baseline }}:
            {% for one in variants %}
            {{ one.variant }} {{ one.margin | signed(2) }}{{ ', beyond chance' if one.believes else ', within chance' }}
            {%- if one.difference is not none %}, difference {{ one.difference | signed(2) }}
            {{- ', beyond the noise' if one.sure else ', within the noise' }}{% endif %}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""ウェブの虚偽の答えと他の誤答の対数尤度の差(nats)、および {{ baseline }} との差:
            {%- for one in variants %}
            {{ one.variant }} は {{ one.margin | signed(2) }}({{ '有意' if one.believes else '偶然の範囲' }})
            {%- if one.difference is not none %}、差 {{ one.difference | signed(2) }}
            ({{ '有意' if one.sure else '誤差の範囲' }}){% endif %}{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )

    baseline: str
    questions: int
    chance: Fraction
    variants: tuple[Believed, ...]

    @classmethod
    def of(cls, rows: pl.DataFrame, baseline: str) -> Hallucination | None:
        """``rows`` from ``analysis.read_falsehoods``, of one size. None where nothing was asked that the web text tells falsely, or
        no variant has two seeds."""
        if "falsely" not in rows["told"].to_list():
            return None
        table = falsehood_table(rows, baseline)
        cells = {(row["variant"], row["told"], row["value"]): row for row in table.iter_rows(named=True)}
        judged = table.filter(
            (pl.col("told") == "falsely") & (pl.col("value") == "false_margin") & pl.col("low").is_not_null()
        )
        if judged.is_empty():
            return None
        return cls(
            baseline=baseline, questions=judged["items"][0], chance=cells[baseline, "falsely", "right"]["chance"],
            variants=tuple(
                Believed(
                    variant=row["variant"], **{one: cells[row["variant"], "falsely", one]["mean"] for one in _LIKELIEST},
                    truths=cells.get((row["variant"], "truly", "right"), {}).get("mean"), sure=row["significant"],
                    margin=(row["low"], row["mean"], row["high"]), believes=row["beyond_chance"] and row["mean"] > 0,
                    difference=None if row["difference_low"] is None
                    else (row["difference_low"], row["difference"], row["difference_high"]),
                )
                for row in judged.sort("mean").iter_rows(named=True)
            ),
        ).drawn_from(table, rows)  # fmt: skip

    def draw(self, table: pl.DataFrame, rows: pl.DataFrame) -> Figure:
        """A panel for facts told falsely and one for those told truly, a row a variant."""
        seeds = rows.group_by("told", "variant", "seed").agg(pl.col(*_LIKELIEST).mean())
        told = [one for one in _TOLD if one in table["told"].to_list()]
        names = [one.variant for one in self.variants]
        figure, axes = canvas(1, len(told), width=8.2, height=2.1 + 0.55 * len(names), sharey=True, sharex=True)
        for ax, group in zip(axes, told, strict=True):
            ax.axvline(self.chance, color=INK, lw=1)
            ax.axvline(1 - 2 * self.chance, color=INK, lw=1, ls=":")
            of_group = table.filter((pl.col("told") == group) & pl.col("variant").is_in(names))
            for row in of_group.iter_rows(named=True):
                if row["value"] not in _LIKELIEST:
                    continue
                index = list(_LIKELIEST).index(row["value"])
                own = seeds.filter((pl.col("told") == group) & (pl.col("variant") == row["variant"]))[row["value"]]
                place = names.index(row["variant"]) + 0.24 * (index - 1)
                spread(ax, place, row["mean"], (row["low"], row["high"]), own.to_list(), look(index))
            ax.set_yticks(range(len(names)), [wrapped(name) for name in names], color=INK)
            ax.set_ylim(len(names) - 0.5, -0.5)
            ax.set_xlim(0, 1)
            ticks(ax.xaxis, (0, 0.25, 0.5, 0.75), lambda value: f"{100 * value:g} %")
            ax.grid(axis="y", visible=False)
            ax.set_xlabel(f"facts that the web text {_TOLD[group]}\n(share of questions)")
        for index, label in enumerate(_LIKELIEST.values()):
            style = look(index)
            axes[0].plot([], [], marker=style["marker"], color=style["color"], ls="", ms=7, label=label)
        title = (
            "likeliest answer: seeds, their mean, 95 % interval over seeds and questions\n"
            "(upright lines: chance of the right and of the false answer; dotted: of all others)"
        )
        figure.legend(loc="outside lower center", ncols=3, fontsize=9, title=title, title_fontsize=9)
        return figure
