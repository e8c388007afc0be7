"""What an optimizer gains, and over what."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.errors import invalid
from studylib.report.figures.style import INK, canvas, look, wrapped


def gains(table: pl.DataFrame) -> Figure:
    """What an optimizer gains, by what it is held against and by size.

    ``table``: a row an optimizer, size and ``against``, with ``gain, low, high`` in percent of the loss; positive is better.
    """
    if table.is_empty():
        raise invalid("table", "", "has no gain to draw")
    sizes = table["size"].unique(maintain_order=True).to_list()
    figure, axes = canvas(
        1,
        len(sizes),
        width=max(6.6, 3.6 * len(sizes)),
        height=1.9 + 0.55 * table["variant"].n_unique(),
        sharex=True,
        sharey=True,
    )
    names = table["variant"].unique(maintain_order=True).to_list()
    sides = table["against"].unique(maintain_order=True).to_list()
    for ax, size in zip(axes, sizes, strict=True):
        ax.axvline(0, color=INK, lw=1)
        for index, against in enumerate(sides):
            style = look(index)
            own = table.filter((pl.col("size") == size) & (pl.col("against") == against))
            for row in own.iter_rows(named=True):
                y = names.index(row["variant"]) + (index - (len(sides) - 1) / 2) * 0.3
                ax.plot([row["low"], row["high"]], [y, y], color=style["color"], lw=2.2, ls=style["linestyle"])
                ax.plot(row["gain"], y, marker=style["marker"], color=style["color"], ms=8)
        ax.set_yticks(range(len(names)), [wrapped(name) for name in names], color=INK)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.grid(axis="y", visible=False)
        ax.set_xlabel(f"loss saved at {size} parameters (%)")  # the place for titles is the Japanese line's
    for index, against in enumerate(sides):
        style = look(index)
        axes[0].plot(
            [], [], marker=style["marker"], ls=style["linestyle"], color=style["color"], label=f"over {against}"
        )
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure
