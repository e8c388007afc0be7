"""The same differences under two accountings: what the clock makes of a gain at equal FLOPs."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.errors import invalid
from studylib.report.figures.style import INK, NOISE_BAND, PALETTE, canvas, wrapped

_ROWS = (("flops", "equal FLOPs", "o", 0, -0.13), ("seconds", "equal seconds on this machine", "s", 1, 0.13))


def accountings(table: pl.DataFrame, baseline: str, *, noise: float) -> Figure:
    """Difference to the baseline of every variant at equal FLOPs and in equal seconds, with 95 % intervals.

    Parameters
    ----------
    table
        Columns ``variant``, ``flops, flops_low, flops_high``, ``seconds, seconds_low, seconds_high`` (bits per byte) and ``speed``
        (of the baseline's); a variant without an interval is left out.
    noise
        Half-width of the shaded band: the minimum detectable effect.
    """
    rows = table.filter(pl.col("flops_low").is_not_null() & pl.col("seconds_low").is_not_null()).sort("flops")
    if rows.is_empty():
        raise invalid("table", "", "has no difference to draw")
    figure, (ax,) = canvas(width=7.4, height=2.0 + 0.5 * len(rows))
    ax.axvspan(-noise, noise, **NOISE_BAND)
    ax.axvline(0, color=INK, lw=1)
    for position, row in enumerate(rows.iter_rows(named=True)):
        for basis, _, marker, colour, shift in _ROWS:
            y = position + shift
            ax.plot(
                [row[f"{basis}_low"], row[f"{basis}_high"]], [y, y], color=PALETTE[colour], lw=2, solid_capstyle="butt"
            )
            ax.plot(row[basis], y, marker=marker, ms=7, color=PALETTE[colour], ls="")
    for _, label, marker, colour, _ in _ROWS:
        ax.plot([], [], marker=marker, ms=7, color=PALETTE[colour], lw=2, label=label)
    names = [wrapped(f"{row['variant']} ({row['speed']:.2f}x speed)", 26) for row in rows.iter_rows(named=True)]
    ax.set_yticks(range(len(rows)), names, color=INK)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(f"difference to {baseline} at the same seed\n(bits per byte), 95 % interval\n← better      worse →")
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure
