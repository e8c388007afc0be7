"""Dropout against how often the same text is seen."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from studylib.errors import invalid
from studylib.report.figures.style import INK, canvas, look


def dropout_by_epochs(table: pl.DataFrame) -> Figure:
    """Loss with dropout above that without, by epochs, a line a share: ``epochs, dropout, difference, low, high``."""
    if table.is_empty():
        raise invalid("table", "dropout", "has no pair of finished trials to draw")
    figure, (ax,) = canvas(width=7.2, height=3.8)
    ax.axhline(0, color=INK, lw=1)
    shares = sorted(table["dropout"].unique())
    for index, share in enumerate(shares):
        own, style = table.filter(pl.col("dropout") == share).sort("epochs"), look(index)
        error = np.stack([(own["difference"] - own["low"]).to_numpy(), (own["high"] - own["difference"]).to_numpy()])
        x = own["epochs"].to_numpy() * 2 ** (0.06 * (index - (len(shares) - 1) / 2))  # beside each other, not over
        ax.errorbar(x, own["difference"], error, capsize=4, ms=8, label=f"dropout {share:g}", **style)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(FixedLocator(sorted(table["epochs"].unique())))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set(
        xlabel="times that the same text is seen, at equal tokens",
        ylabel="loss above no dropout\n(bits per byte), lower is better",
    )
    figure.legend(loc="outside lower center", ncols=3, fontsize=9, title="mean, paired 95 % interval", title_fontsize=9)
    return figure
