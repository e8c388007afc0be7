"""Where the best aspect ratio (or another quantity) goes with size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from studylib.analysis.carried import CarriedOptimum
from studylib.analysis.valleys import Valley
from studylib.errors import invalid
from studylib.numbers import short
from studylib.report.figures.quantity import ASPECT, Quantity, powers_of_two
from studylib.report.figures.style import INK, MUTED, canvas, look


def optimum_against_size(
    fits: Sequence[Valley],
    carried: CarriedOptimum | None,
    *,
    target_params: float = 1e10,
    quantity: Quantity = ASPECT,
) -> Figure:
    """The best aspect ratio of each budget with its interval and flat basin, and its extrapolation where there is one.

    Without ``carried`` only what was measured is drawn, and the figure says that nothing is carried further.
    """
    if not fits:
        raise invalid("fits", [], "is empty: there is no budget to draw")
    figure, (ax,) = canvas(width=7.2, height=4.6)
    ax.set(xscale="log", yscale="log")
    ends = [fit.params for fit in fits]
    for index, fit in enumerate(fits):
        style = look(index)
        if fit.flat is not None:
            ax.plot([fit.params] * 2, fit.flat, color=style["color"], lw=9, alpha=0.18, solid_capstyle="butt")
        if fit.optimum is None or fit.interval is None:
            mark = "v" if fit.edge == fit.sampled[0] else "^"
            ax.plot(fit.params, fit.edge, marker=mark, ms=9, color=style["color"], mfc="white")
            continue
        error = np.array([[fit.optimum - fit.interval[0]], [fit.interval[1] - fit.optimum]])
        ax.errorbar(
            fit.params, fit.optimum, error, fmt=style["marker"], color=style["color"], ms=8, capsize=4, lw=1.6, zorder=4
        )
    ax.fill_between([], [], color=MUTED, alpha=0.35, lw=0, label="flat basin")
    ax.errorbar([], [], [], fmt="o", color=INK, capsize=4, label="optimum, 95 % interval")
    if any(fit.optimum is None for fit in fits):
        ax.plot([], [], "^", mfc="white", color=INK, ms=8, label="optimum not bracketed, nearest end")
    if carried is not None:
        params, low, middle, high = carried.line
        ax.fill_between(params, low, high, color=MUTED, alpha=0.15, lw=0, label="95 % interval of the optimum")
        measured = params <= max(ends)
        ax.plot(params[measured], middle[measured], color=INK, lw=1.6)
        ax.plot(params, middle, color=INK, lw=1.6, ls="--", label="extrapolation")
        at_low, at, at_high = carried.optimum
        target_params = carried.target["params"]
        error = np.array([[at - at_low], [at_high - at]])
        ax.errorbar(target_params, at, error, fmt="*", ms=15, color=INK, capsize=5, lw=1.6, zorder=5)
        ax.annotate(
            f"{short(target_params)}: {short(at)}\n({short(at_low)} to {short(at_high)})", (target_params, at),
            (-12, 10), textcoords="offset points", ha="right", fontsize=10,
        )  # fmt: skip
    else:
        ax.text(
            0.98, 0.04, "not carried to larger sizes", transform=ax.transAxes, ha="right",
            fontsize=10, color=MUTED,
        )  # fmt: skip
    if quantity.reference is not None:
        at = (quantity.reference_params, quantity.reference)
        ax.plot(*at, marker="P", ms=10, color=MUTED, ls="", label=quantity.reference_label, zorder=4)
    ax.set_xlim(min(ends) / 1.8, max(quantity.reference_params or 0, target_params) * 2.2)
    low, high = ax.get_ylim()
    low, high = min(low, *(fit.sampled[0] for fit in fits)) / 1.1, max(high, *(fit.sampled[1] for fit in fits)) * 1.1
    ax.set_ylim(low, high)
    powers_of_two(ax.yaxis, low, high)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    ax.set(xlabel="non-embedding parameters   (log scale)", ylabel=quantity.label)
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure
