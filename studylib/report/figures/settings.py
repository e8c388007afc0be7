"""The settings of the target as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from studylib.errors import invalid
from studylib.report.figures.style import INK, PALETTE, canvas, wrapped


def settings_table(rows: Sequence[Mapping[str, str | bool]]) -> Figure:
    """The settings of the target as a table: ``setting, value, interval, basis, decided``."""
    if not rows:
        raise invalid("rows", [], "is empty: there is no setting")
    columns = {"setting": 0.0, "value": 0.2, "interval": 0.37, "basis": 0.66, "decided": 0.9}
    heads = ("setting", "value", "interval or rivals", "basis", "decided")
    cells = [
        {key: wrapped(str(row[key]), {"interval": 30, "basis": 26}.get(key, 20)) for key in list(columns)[:-1]}
        for row in rows
    ]
    heights = [max(text.count("\n") + 1 for text in cell.values()) for cell in cells]
    total = sum(heights) + 0.45 * len(rows) + 1.6
    figure, (ax,) = canvas(width=9.2, height=0.9 + 0.2 * total)
    ax.set(xlim=(0, 1), ylim=(total, 0))
    ax.axis("off")
    for head, x in zip(heads, columns.values(), strict=True):
        ax.text(x, 0.2, head, fontsize=10, fontweight="bold", va="top")
    ax.axhline(1.4, color=INK, lw=1)
    y = 1.7
    for row, cell, height in zip(rows, cells, heights, strict=True):
        for key, text in cell.items():
            ax.text(columns[key], y, text, fontsize=9.5, va="top", linespacing=1.15)
        sure = bool(row["decided"])
        ax.text(
            columns["decided"],
            y,
            "✓ yes" if sure else "open",
            fontsize=9.5,
            va="top",
            color=PALETTE[2] if sure else PALETTE[1],
        )
        y += height + 0.45
        ax.axhline(y - 0.22, color="#e3e6ea", lw=0.7)
    return figure
