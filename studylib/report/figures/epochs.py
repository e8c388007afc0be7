"""What it costs to see the same text again."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from studylib.report.figures.style import INK, NOISE_BAND, PALETTE, canvas


def repeated(table: pl.DataFrame, noise: float) -> Figure:
    """Loss above that of fresh text by how often the text is seen. ``table``: ``epochs, difference, low, high``."""
    rows = table.sort("epochs")
    figure, (ax,) = canvas(width=7.2, height=3.8)
    ax.axhspan(-noise, noise, **NOISE_BAND)
    ax.axhline(0, color=INK, lw=1)
    error = np.stack([(rows["difference"] - rows["low"]).to_numpy(), (rows["high"] - rows["difference"]).to_numpy()])
    ax.errorbar(
        rows["epochs"],
        rows["difference"],
        error,
        fmt="o-",
        color=PALETTE[0],
        capsize=4,
        ms=8,
        label="repeated, mean and paired 95 % interval",
    )
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(FixedLocator(rows["epochs"].to_list()))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set(xlabel="times that the same text is seen, at equal tokens", ylabel="loss above fresh text\n(bits per byte)")
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure
