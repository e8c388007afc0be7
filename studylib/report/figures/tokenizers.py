"""How much text a token carries, by vocabulary size and kind of text."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from studylib.errors import invalid
from studylib.numbers import short
from studylib.report.figures.style import canvas, look


def chars_per_token(table: pl.DataFrame) -> Figure:
    """Characters a token against vocabulary size, and the share of byte tokens; a line a kind of text.

    ``table`` has columns ``vocab_size``, ``register``, ``chars_per_token`` and ``byte_share``.
    """
    if table.is_empty():
        raise invalid("table", "", "has no tokenizer to draw")
    figure, axes = canvas(1, 2, width=8.4, height=3.9)
    panels = {"chars_per_token": "characters a token", "byte_share": "byte tokens (%)"}
    for ax, (column, label) in zip(axes, panels.items(), strict=True):
        for index, (register,) in enumerate(table.select("register").unique(maintain_order=True).iter_rows()):
            own = table.filter(pl.col("register") == register).sort("vocab_size")
            values = own[column] * (100 if column == "byte_share" else 1)
            ax.plot(own["vocab_size"], values, label=register, ms=6, **look(index))
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(FixedLocator(sorted(set(table["vocab_size"]))))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set(xlabel="vocabulary (pieces)", ylabel=label)
        ax.set_ylim(bottom=0)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=9, title="kind of text")
    return figure
