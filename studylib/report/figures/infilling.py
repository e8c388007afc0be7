"""Filling in: bits per byte of a span by objective, with the text before it and with the text on both sides."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from matplotlib.figure import Figure

from studylib.errors import invalid
from studylib.report.figures.style import INK, canvas, look

GIVEN = {"left": "text before the span", "both": "text on both sides"}


def infilling(table: pl.DataFrame, spans: Sequence[str] = ("short", "long")) -> Figure:
    """A panel a length of span, a row an objective.

    ``table`` has ``variant``, ``seed``, ``span``, ``span_tokens``, ``given`` (left, both) and ``bits_per_byte``, as
    ``read_infilling`` gives it; a point a seed, and their mean.
    """
    rows = table.filter(pl.col("given").is_in(list(GIVEN)))
    if rows.is_empty():
        raise invalid("table", "infilling", "has no span to draw")
    spans = [span for span in spans if span in rows["span"].to_list()]
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
