"""How well objectives fill in a span, and what the text behind it is worth."""

from __future__ import annotations

from typing import Literal

import polars as pl
from matplotlib.figure import Figure

from studylib.findings._figures.style import INK, canvas, look
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import Words

GIVEN = {"left": "text before the span", "both": "text on both sides"}
SPANS = ("short", "long")


class Filled(Frozen):
    """Bits per byte of the span. ``level``: with text on both sides; ``left``: the causal model's, with the text before it alone.

    ``difference`` of the two, negative is better; ``sure``: beyond chance. ``gain``: what the text behind saves the objective itself.
    """

    objective: str
    span: Literal["short", "long"]
    level: float
    left: float
    difference: Interval
    sure: bool
    gain: Interval


class Infilling(Finding):
    """``filled`` from the best to the worst; empty: no objective sees the text behind a span."""

    name = "infilling"
    title = Words(
        en="""
            {% set better = filled | selectattr('sure') | selectattr('difference.1', 'lt', 0) | list %}
            {% if not filled %}No objective here sees the text behind a span
            {% elif better %}With the text behind it too, {{ better[0].objective }} fills a {{ better[0].span }} span
            {{ (-better[0].difference[1]) | fixed(2) }} bits per byte better than causal without
            {% else %}With the text behind a span too, no objective is seen to fill it better than the causal model without{% endif %}""",
        ja="""
            {% set better = filled | selectattr('sure') | selectattr('difference.1', 'lt', 0) | list %}
            {% if not filled %}後ろの文脈を読める学習目的がない
            {% elif better %}後ろの文脈も読む {{ better[0].objective }} は、左側だけの causal より
            {{- {'short': '短い', 'long': '長い'}[better[0].span] }}区間を {{ (-better[0].difference[1]) | fixed(2) }} bits/byte 良く埋める
            {% else %}後ろの文脈を与えても、左側だけの causal より良く穴埋めできる学習目的は見られない{% endif %}""",
    )
    alt = Words(
        en="""Bits per byte of held-out spans by objective, given the text before them and on both sides.
            {% for one in filled %}
            {{ one.objective }} {{ one.span }} {{ one.level | fixed(3) }} from both sides (causal from the left {{ one.left | fixed(3) }})
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""学習目的ごとの区間の bits/byte(左側のみ、両側)。
            {% for one in filled %}
            {{ {'short': '短い', 'long': '長い'}[one.span] }}区間で両側からの {{ one.objective }} は {{ one.level | fixed(3) }}
            (左側だけの causal は {{ one.left | fixed(3) }}){{ '。' if loop.last else ';' }}
            {% endfor %}""",
    )
    words = Words(
        en="""
            {% if filled %}
            Filling in with text on both sides, bits per byte of the span above the causal model's from the left alone:
            {% for one in filled %}
            {{ one.objective }} {{ one.span }} {{ one.difference | signed(3) }}, the text behind being worth {{ one.gain | signed(3) }}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}
            {% endif %}""",
        ja="""
            {% if filled %}
            両側の文脈からの穴埋め(左側だけの causal との差、区間の bits/byte):
            {% for one in filled %}
            {{ {'short': '短い', 'long': '長い'}[one.span] }}区間の {{ one.objective }} {{ one.difference | signed(3) }}、
            後ろの文脈の価値 {{ one.gain | signed(3) }}{{ '。' if loop.last else ';' }}
            {% endfor %}
            {% endif %}""",
    )

    filled: tuple[Filled, ...]

    @classmethod
    def of(cls, rows: pl.DataFrame, table: pl.DataFrame) -> Infilling:
        """``rows`` as ``analysis.read_infilling`` gives them; ``table``: a row an objective and span, as the facts are."""
        ordered = table if table.is_empty() else table.sort("difference")
        return cls(
            filled=tuple(
                Filled(
                    objective=row["variant"], span=row["span"], level=row["level"], left=row["left"], sure=row["significant"],
                    difference=(row["low"], row["difference"], row["high"]), gain=(row["gain_low"], row["gain"], row["gain_high"]),
                )
                for row in ordered.iter_rows(named=True)
            )
        ).drawn_from(rows)  # fmt: skip

    def draw(self, table: pl.DataFrame) -> Figure:
        """A panel a length of span, a row an objective; a point a seed, and their mean."""
        rows = table.filter(pl.col("given").is_in(list(GIVEN)))
        spans = [span for span in SPANS if span in rows["span"].to_list()]
        names = rows["variant"].unique(maintain_order=True).to_list()
        figure, axes = canvas(1, len(spans), width=7.6, height=1.9 + 0.5 * len(names), sharey=True)
        for ax, span in zip(axes, spans, strict=True):
            here = rows.filter(pl.col("span") == span)
            for index, given in enumerate(GIVEN):
                style = look(index)
                for place, name in enumerate(names):
                    values = here.filter((pl.col("variant") == name) & (pl.col("given") == given))[
                        "bits_per_byte"
                    ].to_numpy()
                    if not len(values):
                        continue
                    y = place + 0.24 * (index - 0.5)
                    ax.plot([values.min(), values.max()], [y, y], color=style["color"], lw=1.2, alpha=0.7)
                    ax.plot(values, [y] * len(values), ".", color=style["color"], ms=4, alpha=0.7)
                    ax.plot(values.mean(), y, marker=style["marker"], color=style["color"], ms=8, ls="")
            ax.set_yticks(range(len(names)), names, color=INK)
            ax.set_ylim(len(names) - 0.5, -0.5)
            ax.grid(axis="y", visible=False)
            ax.set_xlabel(f"{span} spans, {here['span_tokens'].mean():.0f} tokens\n(bits per byte, lower is better)")
        for index, label in enumerate(GIVEN.values()):
            style = look(index)
            axes[0].plot([], [], marker=style["marker"], color=style["color"], ls="", label=label)
        figure.legend(loc="outside lower center", ncols=2, fontsize=9, title="seeds and their mean", title_fontsize=9)
        return figure
