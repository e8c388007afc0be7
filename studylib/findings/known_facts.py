"""What is told in one language and known in the other."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from matplotlib.figure import Figure

from studylib.findings._figures.style import INK, canvas, look
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Fraction, Frozen
from studylib.words import Words

_CARRIED = "english_only_in_japanese"
_GROUPS = {
    "both_in_japanese": "told in both languages,\nasked in Japanese",
    "english_only_in_english": "told in English only,\nasked in English",
    _CARRIED: "told in English only,\nasked in Japanese",
}


class Asked(Frozen):
    """Of one order, facts told in English alone: by how many nats right answers are likelier than wrong ones, and how many are right."""

    variant: str
    margin: Interval
    right: Fraction


class KnownFacts(Finding):
    """``orders`` from the largest margin; ``in_both``: how many of them know what is told in both languages."""

    name = "facts"
    title = Words(
        en="""Told only in English, known in Japanese: shown for {{ orders | selectattr('margin.0', 'gt', 0) | list | length }} of
            {{ orders | length }} orders""",
        ja="""英語だけで語られた事実を日本語で知るのは {{ orders | length }} 順序中
            {{ ' ' }}{{ orders | selectattr('margin.0', 'gt', 0) | list | length }}""",
    )
    alt = Words(
        en="""Log-likelihood of right answers above wrong ones, nats, by group of questions. Told in English only, asked in Japanese:
            {% for one in orders %}
            {{ one.variant }} {{ one.margin | signed(2) }}, {{ one.right | percent }} right{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""質問群ごとの、正答と誤答の対数尤度の差(nats)。英語だけで語られた事実を日本語で質問:
            {% for one in orders %}
            {{ one.variant }} {{ one.margin | signed(2) }}、正答率 {{ one.right | percent }}{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""
            {% set known = orders | selectattr('margin.0', 'gt', 0) | map(attribute='variant') | list %}
            {% if known %}Facts told only in English are likelier than wrong ones in Japanese after {{ known | listed }}
            {%- else %}No order makes facts told only in English known in Japanese beyond the noise{% endif %}
            (most: {{ orders[0].variant }}, {{ orders[0].margin[1] | signed(2) }} nats, {{ orders[0].right | percent }} right, by chance
            {{ chance | percent }}; facts told in both languages are known after {{ in_both }} of {{ orders | length }} orders).""",
        ja="""
            {% set known = orders | selectattr('margin.0', 'gt', 0) | map(attribute='variant') | list %}
            {% if known %}英語だけで語られた事実は {{ known | listed }} で日本語でも正答の尤度が上回ります
            {%- else %}英語だけで語られた事実が日本語でも知られていると言える順序はありません{% endif %}
            (最大:{{ orders[0].variant }}、{{ orders[0].margin[1] | signed(2) }} nats、正答率 {{ orders[0].right | percent }}、偶然では
            {{ ' ' }}{{ chance | percent }}。二言語で語られた事実を知る順序は {{ orders | length }} 中 {{ in_both }})。""",
    )

    chance: Fraction
    in_both: int
    orders: tuple[Asked, ...]

    @classmethod
    def of(cls, table: pl.DataFrame, facts: pl.DataFrame, drawn: Sequence[str]) -> KnownFacts | None:
        """None where no facts were asked for: the corpus does not tell one world in both languages.

        Parameters
        ----------
        table
            A row an order and group: ``variant``, ``group``, ``margin`` with its interval ``low`` and ``high``, ``accuracy``,
            ``chance``.
        facts
            From ``analysis.read_facts``.
        drawn
            The orders of the figure.
        """
        if facts.is_empty():
            return None
        asked = table.filter(pl.col("group") == _CARRIED).sort("margin", descending=True)
        return cls(
            chance=asked["chance"][0],
            in_both=len(table.filter((pl.col("group") == "both_in_japanese") & (pl.col("low") > 0))),
            orders=tuple(
                Asked(variant=row["variant"], margin=(row["low"], row["margin"], row["high"]), right=row["accuracy"])
                for row in asked.iter_rows(named=True)
            ),
        ).drawn_from(facts, drawn)  # fmt: skip

    def draw(self, facts: pl.DataFrame, drawn: Sequence[str]) -> Figure:
        """By group of questions, at the end of training: a point an order, spread over seeds."""
        rows = facts.filter(pl.col("step") == pl.col("step").max().over("hash"))
        groups = [group for group in _GROUPS if group in rows["group"].to_list()]
        figure, (ax,) = canvas(width=7.2, height=1.6 + 0.24 * len(groups) * (len(drawn) + 1))
        ax.axvline(0, color=INK, lw=1)
        for index, name in enumerate(drawn):
            style = look(index)
            for place, group in enumerate(groups):
                own = rows.filter((pl.col("variant") == name) & (pl.col("group") == group))["margin"].to_numpy()
                if not len(own):
                    continue
                y = place + (index - (len(drawn) - 1) / 2) * 0.8 / len(drawn)
                ax.plot([own.min(), own.max()], [y, y], color=style["color"], lw=2)
                label = name if place == 0 else None
                ax.plot(own.mean(), y, marker=style["marker"], color=style["color"], ms=7, ls="", label=label)
        ax.set_yticks(range(len(groups)), [_GROUPS[group] for group in groups], color=INK)
        ax.invert_yaxis()
        ax.grid(axis="y", visible=False)
        ax.set_xlabel(
            "log-likelihood of the right answer above wrong ones (nats)\nnot known ← 0 → known      (line: range of seeds"
            + (f"; {len(drawn)} of {len(self.orders)} orders)" if len(drawn) < len(self.orders) else ")")
        )
        figure.legend(loc="outside lower center", ncols=3, fontsize=9)
        return figure
