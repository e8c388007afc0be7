"""A loss over mixtures: triangles for three kinds and slices of four, curves otherwise."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from studylib.analysis.mixtures import MixtureSurface, share_columns, simplex
from studylib.findings._figures.style import INK, MUTED, canvas, look, wrapped
from studylib.findings._figures.ternary import mark, ternary

_MOST = 4  # triangles
_LOSS = "predicted loss of held-out answers (bits per byte)"


def slices(surface: MixtureSurface) -> Figure:
    """Three kinds: one triangle. Four: one at each share of a fourth kind at which mixtures were tried."""
    corners, fixed, levels = _levels(surface)
    panels = [_panel(surface, corners, fixed, level) for level in levels]
    means = [surface.at(shares).mean(axis=0) for shares, _ in panels]
    colours = ScalarMappable(Normalize(min(map(np.min, means)), max(map(np.max, means))), "cividis_r")
    columns = min(2, len(levels))
    rows = -(-len(levels) // columns)
    size = (5.6, 4.9) if columns == 1 else (8.4, 0.9 + 3.5 * rows)
    figure, axes = canvas(rows, columns, width=size[0], height=size[1])
    names = [surface.kinds[place] for place in corners]
    shown, best = 0, int(surface.losses.argmin())
    nearest = min(levels, key=lambda level: abs(level - surface.use[fixed])) if fixed is not None else 0.0
    for ax, level, (shares, three), loss in zip(axes, levels, panels, means, strict=False):
        inside = np.log(np.maximum(surface.density(shares), 1e-300) / surface.bound)
        ternary(ax, names, three, loss, np.maximum(inside, -3.0), colours)
        for place, (own, value) in enumerate(zip(surface.designed, surface.losses, strict=True)):
            if fixed is None or abs(own[fixed] - level) < 0.01:
                mark(ax, own[corners] / own[corners].sum(), f"{value:.3f}", "D" if place == best else "o", 6, "white")
                shown += 1
        if fixed is None or (level == nearest and surface.use[corners].sum() > 0):
            mark(ax, surface.use[corners] / surface.use[corners].sum(), "", "*", 14, "#E69F00")
        if fixed is not None:
            held = wrapped(f"{surface.kinds[fixed]} {100 * level:.0f} %", 14)
            ax.text(0.0, 0.75, held, transform=ax.transAxes, fontsize=10.5, color=INK)
    for ax in axes[len(levels) :]:
        ax.set_axis_off()
    bar = figure.colorbar(colours, ax=list(axes), shrink=0.8, aspect=26, pad=0.02)
    bar.set_label(_LOSS)
    ax = axes[0]
    handles = [
        ax.plot([], [], "o", color=INK, mfc="white", ls="", label="tried, with its measured loss")[0],
        ax.plot([], [], "D", color=INK, mfc="white", ls="", label="lowest of those")[0],
        ax.plot([], [], "*", color=INK, mfc="#E69F00", ms=12, ls="", label="least expected regret")[0],
        ax.fill_between([], [], facecolor="none", edgecolor=INK, hatch="////", label="optimum, 90 % region"),
    ]
    title = "white lines: shares in steps of 25 %"
    if fixed is not None:
        title = f"white lines: shares of what {surface.kinds[fixed]} leaves, in steps of 25 %"
        alone = surface.designed[:, fixed] > 1 - 1e-6
        if alone.any():
            title += f"; {surface.kinds[fixed]} alone: {surface.losses[alone][0]:.3f}"
            shown += 1
        left = len(surface.variants) - shown
        title += f"; on other slices: {left}" if left else ""
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=9, title=title, title_fontsize=9)
    return figure


def along(surface: MixtureSurface, trials: pl.DataFrame) -> Figure:
    """A curve a kind: its share against the loss, the others in the proportion of the mixture to use; of two kinds one curve and
    the trials."""
    two = len(surface.kinds) == 2
    kinds = [1] if two else range(len(surface.kinds))
    figure, (ax,) = canvas(width=7.2, height=4.6)
    x = np.linspace(0, 1, 101)
    for index, kind in enumerate(kinds):
        style = look(index)
        rest = np.delete(surface.use, kind)
        rest = rest / rest.sum() if rest.sum() else np.full(len(rest), 1 / len(rest))
        shares = np.insert((1 - x)[:, None] * rest, kind, x, axis=1)
        draws = surface.at(shares)
        low, high = np.quantile(draws, [0.05, 0.95], axis=0)
        ax.fill_between(x, low, high, color=style["color"], alpha=0.13, lw=0)
        ax.plot(x, draws.mean(axis=0), color=style["color"], ls=style["linestyle"], marker=style["marker"], markevery=(7 * index, 25),
                ms=6, label=None if two else surface.kinds[kind])  # fmt: skip
        at = int(abs(x - surface.use[kind]).argmin())
        ax.plot(surface.use[kind], draws[:, at].mean(), "*", ms=15, color=INK, mfc="#E69F00", zorder=5)
    ax.plot([], [], "*", ms=12, color=INK, mfc="#E69F00", ls="", label="least expected regret")
    if two:
        done = trials.filter((pl.col("status") == "done") & pl.col("val_bpb").is_finite().fill_null(False))
        ax.plot(
            done[share_columns(surface.kinds)[1]], done["val_bpb"], ".", color=MUTED, ms=6, label="trials, a dot a seed"
        )
        ax.plot(
            surface.designed[:, 1],
            surface.losses,
            "o",
            color=INK,
            mfc="white",
            ls="",
            label="their means, seeds' common part out",
        )
        inside = surface.lattice[surface.region, 1]
        bottom = ax.get_ylim()[0]
        ax.plot(
            inside,
            np.full(len(inside), bottom),
            "s",
            color=INK,
            ms=4,
            clip_on=False,
            zorder=6,
            label="optimum, 90 % region",
        )
        ax.set_ylim(bottom=bottom)
    ax.set_xlim(-0.02, 1.02)
    ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    said = (
        f"share of {surface.kinds[1]}, the rest is {surface.kinds[0]}"
        if two
        else "share of a kind, the others as in the mixture to use"
    )
    ax.set(xlabel=said, ylabel=_LOSS.replace(" (", "\n("))
    figure.legend(loc="outside lower center", ncols=3, fontsize=9, title="band: 90 % of the draws", title_fontsize=9)
    return figure


def _levels(surface: MixtureSurface) -> tuple[list[int], int | None, list[float]]:
    """Places of the corners, of the kind that is held (of four), and its shares: those with most of the mixtures tried."""
    if len(surface.kinds) == 3:
        return [0, 1, 2], None, [0.0]
    tried = []
    for kind in range(4):
        values, counts = np.unique(
            surface.designed[surface.designed[:, kind] < 1 - 1e-6, kind].round(2), return_counts=True
        )
        most = np.argsort(-counts, kind="stable")[:_MOST]
        tried.append((int(counts[most].sum()), -len(values), -kind, values[most]))
    _, _, kind, values = max(tried, key=lambda one: one[:3])
    return [place for place in range(4) if place != -kind], -kind, sorted(values.tolist())


def _panel(
    surface: MixtureSurface, corners: list[int], fixed: int | None, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mixtures of a triangle, and the shares of its corners in what is left for them."""
    three = simplex(3, 40)
    shares = np.zeros((len(three), len(surface.kinds)))
    shares[:, corners] = (1 - level) * three
    if fixed is not None:
        shares[:, fixed] = level
    return shares, three
