"""Effects of single choices: by factor, and over sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from studylib.analysis import AtTarget, CarriedEffect
from studylib.errors import invalid
from studylib.report.figures.style import INK, MUTED, NOISE_BAND, PALETTE, canvas, look

# A choice this many times as bad as most others is shown at the edge with its number, so that the rest can be read.
_EDGE = 4.0


def effects(table: pl.DataFrame, factors: Mapping[str, Sequence[str]], baseline: str, *, noise: float) -> Figure:
    """Paired differences to the baseline, a row a variant, grouped by factor.

    Parameters
    ----------
    table
        From ``analysis.effects_by_size``, of one size. A marker is filled where the difference stands after Holm's correction
        for all variants.
    factors
        Variants by factor, in the order wanted; a label ``factor: name`` is shortened to its name.
    noise
        Half-width of the shaded band: the minimum detectable effect, bits per byte.
    """
    known = {row["variant"]: row for row in table.filter(pl.col("difference").is_not_null()).iter_rows(named=True)}
    lines: list[tuple[str, dict | None]] = []
    for factor, names in factors.items():
        own = sorted((known[name] for name in names if name in known), key=lambda row: row["difference"])
        if own:
            lines += [(factor, None), *((row["variant"].removeprefix(f"{factor}: "), row) for row in own)]
    if not lines:
        raise invalid("table", "", "has no difference to draw")
    figure, (ax,) = canvas(width=7.4, height=1.9 + 0.3 * len(lines))
    sizes = np.abs([row["difference"] for _, row in lines if row])
    edge = max(_EDGE * float(np.quantile(sizes, 0.7)), 3 * noise)
    reach = min(
        edge, max(max(abs(row["low"] or 0), abs(row["high"] or 0), abs(row["difference"])) for _, row in lines if row)
    )
    ax.set_xlim(-1.12 * reach, 1.12 * reach)
    ax.axvspan(-noise, noise, **NOISE_BAND)
    ax.axvline(0, color=INK, lw=1)
    for y, (_, row) in enumerate(lines):
        if row is not None:
            _effect(ax, y, row, edge=1.08 * reach)
    ax.set_yticks(range(len(lines)), [name for name, _ in lines], color=INK)
    for label, (_, row) in zip(ax.get_yticklabels(), lines, strict=True):
        if row is None:
            label.set_fontweight("bold")
    ax.set_ylim(len(lines) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    _legend(ax)
    ax.set_xlabel(f"difference to {baseline} at the same seed (bits per byte), 95 % interval\n← better      worse →")
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure


def _effect(ax: Axes, y: float, row: dict, *, edge: float) -> None:
    sure = row["significant"]
    better = row["difference"] < 0
    colour = MUTED if not sure else PALETTE[2] if better else PALETTE[1]
    marker = "o" if not sure else "<" if better else ">"
    if abs(row["difference"]) > edge:
        side = 1 if row["difference"] > 0 else -1
        ax.plot(side * edge, y, marker=marker, ms=8, color=colour, mfc=colour if sure else "white", ls="")
        ax.annotate(
            f"{row['difference']:+.2f}", (side * edge, y), (-side * 9, 0), textcoords="offset points", va="center",
            ha="right" if side > 0 else "left", fontsize=9, color=INK,
        )  # fmt: skip
        return
    if row["low"] is not None:
        ax.plot([row["low"], row["high"]], [y, y], color=colour, lw=2.2, solid_capstyle="butt")
    ax.plot(row["difference"], y, marker=marker, ms=8, color=colour, mfc=colour if sure else "white", ls="")


def _legend(ax: Axes) -> None:
    ax.plot([], [], "<", color=PALETTE[2], ms=8, label="better (Holm-corrected)")
    ax.plot([], [], ">", color=PALETTE[1], ms=8, label="worse (Holm-corrected)")
    ax.plot([], [], "o", color=MUTED, mfc="white", ms=8, label="not told apart")


def effect_slopes(
    at: AtTarget,
    factors: Mapping[str, Sequence[str]],
) -> Figure:
    """Effect against model size, a panel a factor, a line a variant.

    Markers and whiskers are each size by itself with its 95 % interval, lines and bands what all sizes and variants together say.
    """
    by_name, params = {one.variant: one for one in at.effects}, at.sizes
    panels = {factor: [by_name[name] for name in names if name in by_name] for factor, names in factors.items()}
    panels = {factor: found for factor, found in panels.items() if found}
    if not panels:
        raise invalid("factors", list(factors), "has no effect to draw", choices=by_name)
    columns = min(4 if len(panels) > 6 else 3, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = canvas(rows, columns, width=max(5.0, 2.9 * columns), height=1.2 + 2.8 * rows, sharex=True)
    labels = {count: size for size, count in params.items()}
    for ax, (factor, found) in zip(axes, panels.items(), strict=False):
        ax.axhline(0, color=INK, lw=1)
        for index, one in enumerate(found):
            style = look(index)
            x = np.array([params[size] for size in one.measured]) * 1.03 ** (index - (len(found) - 1) / 2)
            low, middle, high = np.array(list(one.effects.values())).T
            ax.fill_between(x, low, high, color=style["color"], alpha=0.15, lw=0)
            ax.plot(x, middle, color=style["color"], linestyle=style["linestyle"], lw=1.6)
            low, middle, high = np.array(list(one.measured.values())).T
            ax.errorbar(
                x, middle, [middle - low, high - middle], color=style["color"], marker=style["marker"], linestyle="none",
                ms=6, elinewidth=1.2, capsize=2.5,
            )  # fmt: skip
            ax.plot(
                [], [], color=style["color"], marker=style["marker"], linestyle=style["linestyle"], ms=6, lw=1.6,
                label=f"{one.variant.removeprefix(f'{factor}: ')} ({one.trend})",
            )  # fmt: skip
        _readable(ax, found)
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(FixedLocator(sorted(labels)))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: labels.get(value, "")))
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.set_title(factor, loc="left", fontsize=10.5, color=MUTED)
        ax.tick_params(labelbottom=True)
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.12 * len(found) * (high - low))  # room for the legend, which covers no line
        ax.legend(fontsize=7.5, loc="upper center", handlelength=2.4, labelspacing=0.3)
    for ax in axes[len(panels) :]:
        ax.set_visible(False)
    figure.supxlabel("parameters without embeddings", fontsize=10)
    figure.supylabel("effect (% of the baseline's loss)\n← better      worse →", fontsize=10)
    return figure


def _readable(ax: Axes, found: Sequence[CarriedEffect]) -> None:
    """Leave what is far worse than the rest out of the frame, and say so."""
    worst = {one.variant: max(abs(ends[1]) for ends in one.measured.values()) for one in found}
    usual = float(np.median(list(worst.values())))
    far = [name for name, value in worst.items() if value > _EDGE * 2 * usual and usual > 0]
    if far:
        reach = max(
            max(abs(end) for ends in one.measured.values() for end in ends) for one in found if one.variant not in far
        )
        ax.set_ylim(-1.15 * reach, 1.15 * reach)
        told = ", ".join(f"{name.split(': ')[-1]} {worst[name]:.0f} %" for name in far)
        ax.annotate(f"off the scale: {told}", (0.02, 0.03), xycoords="axes fraction", fontsize=7.5, color=MUTED)
