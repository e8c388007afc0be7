"""One look for every figure: theme, palette, and what marks a series beside its colour."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence

import matplotlib
import matplotlib_fontja.matplotlib_fontja as matplotlib_fontja
import seaborn as sns
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

# Okabe and Ito's colours (safe for the common kinds of colour blindness), darkest contrasts first; yellow is left out
# because it vanishes on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#7F7F7F")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)), (0, (3, 1, 1, 1)))
INK, MUTED, PAPER = "#1b1f24", "#5a6370", "#ffffff"
BAR = "#9cc7e3"  # under points in full colour
HATCHES = ("", "///", "...", "xxx", "\\\\\\")
LOSS = "validation loss (bits per byte)"
NOISE_BAND = {"color": "#8b949e", "alpha": 0.18, "lw": 0, "label": "below the minimum detectable effect"}


def theme() -> None:
    """Set the look of every figure drawn after this call (notebooks too)."""
    sns.set_theme(
        context="notebook",
        style="ticks",
        palette=list(PALETTE),
        rc={
            "axes.grid": True, "grid.color": "#e3e6ea", "grid.linewidth": 0.7, "axes.axisbelow": True,
            "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#8b949e",
            "axes.labelcolor": INK, "text.color": INK, "xtick.color": MUTED, "ytick.color": MUTED,
            "axes.labelsize": 11, "xtick.labelsize": 10, "ytick.labelsize": 10, "legend.fontsize": 10,
            "legend.frameon": False, "lines.linewidth": 1.8, "figure.facecolor": PAPER, "axes.facecolor": PAPER,
        },
    )  # fmt: skip
    # After seaborn, which resets the family. Latin text keeps the font that has a bold face; what it lacks (Japanese)
    # falls through to the font that matplotlib_fontja registered when it was imported.
    japanese = matplotlib_fontja.FONT_NAME
    matplotlib.rc("font", family=["DejaVu Sans", japanese])
    known = font_manager.fontManager.ttflist
    if not any(entry.name == japanese and entry.weight == 700 for entry in known):
        # The font has one weight; offering it for bold as well keeps matplotlib from warning at every bold title.
        regular = next(entry for entry in known if entry.name == japanese)
        known.append(dataclasses.replace(regular, weight=700))


def look(index: int) -> dict[str, object]:
    """Colour, marker and line style of the ``index``-th series: never colour alone, and no two of 64 alike."""
    again = index // len(PALETTE)  # where the colours begin anew, markers and dashes are others
    return {
        "color": PALETTE[index % len(PALETTE)],
        "marker": MARKERS[(index + again) % len(MARKERS)],
        "linestyle": DASHES[(index + 2 * again) % len(DASHES)],
    }


NARROWEST = 6.4  # inches: pages scale all figures to one width, and the letters of a narrow one would be twice as large


def canvas(
    rows: int = 1, columns: int = 1, *, width: float = 7.2, height: float = 4.0, **options: object
) -> tuple[Figure, Sequence[Axes]]:
    """A figure in inches that belongs to no global state, and its axes as a flat list; no narrower than `NARROWEST`."""
    theme()
    figure = Figure(figsize=(max(width, NARROWEST), height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(axes.ravel())


def wrapped(name: str, columns: int = 24) -> str:
    """A long label in several lines."""
    return textwrap.fill(name, columns)


def ticks(axis: Axis, places: Iterable[float], written: Callable[[float], str] = "{:g}".format) -> None:
    """Ticks at these places and no others."""
    axis.set_major_locator(FixedLocator(list(places)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda value, _: written(value))


def named_ticks(axis: Axis, names: Mapping[float, str]) -> None:
    """Ticks at the places that have a name, such as sizes, and no others."""
    ticks(axis, sorted(names), lambda value: names.get(value, ""))
