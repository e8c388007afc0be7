"""Loss against aspect ratio (or another quantity), one panel a budget."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from studylib.analysis.twoway import fit_two_way
from studylib.analysis.valleys import Valley
from studylib.errors import invalid
from studylib.numbers import short
from studylib.report.figures.quantity import ASPECT, Quantity, powers_of_two
from studylib.report.figures.style import INK, LOSS, MUTED, canvas, look

# Below this p value a panel says that its curve misses the means.
_MISSES = 0.01


def valley(
    trials: pl.DataFrame,
    fits: Sequence[Valley],
    *,
    aspect: str = "aspect",
    metric: str = "val_bpb",
    size: str = "size",
    unit: str = LOSS,
    labels: Sequence[str] | None = None,
    quantity: Quantity = ASPECT,
) -> Figure:
    """Loss against aspect ratio: seeds as small points joined per seed, mean with its paired 95 % interval, the fitted
    curve, the flat basin shaded, the optimum with its interval, and the reference shape of the 13B models. A panel whose
    curve misses the means says so.

    ``trials`` is one row a trial; rows belong to the panel whose ``Valley.budget`` equals their ``size``.
    """
    if not fits:
        raise invalid("fits", [], "is empty: there is no budget to draw")
    if aspect not in trials.columns:
        trials = trials.with_columns((pl.col("hidden_size") / pl.col("num_layers")).alias(aspect))
    done = trials.filter(pl.col(metric).is_finite().fill_null(False))
    columns = min(len(fits), 2 if len(fits) in (2, 4) else 3)
    rows = -(-len(fits) // columns)
    figure, axes = canvas(rows, columns, width=max(6.4, 3.5 * columns), height=3.5 * rows + 0.9, sharex=True)
    for ax in axes[len(fits) :]:
        ax.remove()
    for index, (fit, ax) in enumerate(zip(fits, axes, strict=False)):
        own = done if len(fits) == 1 and size not in done.columns else done.filter(pl.col(size) == fit.budget)
        _panel(ax, own, fit, index, aspect=aspect, metric=metric, quantity=quantity)
        name = labels[index] if labels else f"{fit.budget or short(fit.params)} parameters"
        ax.text(0.5, 0.985, name, transform=ax.transAxes, ha="center", va="top", fontsize=10.5, fontweight="bold")
    ends = [end for fit in fits for end in fit.sampled]
    ends += [quantity.reference] if quantity.reference is not None else []
    for ax in axes[: len(fits)]:
        powers_of_two(ax.xaxis, min(ends) / 1.25, max(ends) * 1.35)
        ax.set_xlim(min(ends) / 1.25, max(ends) * 1.35)
        place = ax.get_subplotspec()
        ax.set_ylabel(unit if place.is_first_col() else "")
        if _is_lowest(ax, axes[: len(fits)]):
            ax.tick_params(labelbottom=True)
            ax.set_xlabel(quantity.label)
    drawn: dict[str, object] = {}
    for ax in axes[: len(fits)]:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            drawn.setdefault(name, handle)
    figure.legend(drawn.values(), drawn.keys(), loc="outside lower center", ncols=2, fontsize=9, handlelength=2.6)
    return figure


def _is_lowest(ax: Axes, others: Sequence[Axes]) -> bool:
    """Whether no panel stands below this one (the last row may be short)."""
    place = ax.get_subplotspec()
    return not any(
        other.get_subplotspec().colspan == place.colspan and other.get_subplotspec().rowspan.start > place.rowspan.start
        for other in others
    )


def _panel(
    ax: Axes, own: pl.DataFrame, fit: Valley, index: int, *, aspect: str, metric: str, quantity: Quantity
) -> None:
    style = look(index)
    colour, marker = style["color"], style["marker"]
    ax.set_xscale("log")
    if fit.flat is not None:
        ax.axvspan(
            *fit.flat,
            color=colour,
            alpha=0.13,
            lw=0,
            label="flat: less than 0.2 % of the loss above the bottom, with 95 %",
        )
    if quantity.reference is not None:
        label = quantity.reference_label.replace("\n", ", ")
        ax.axvline(quantity.reference, color=MUTED, lw=1.1, ls=":", label=label)
    sns.lineplot(
        own.select(aspect, metric, "seed").to_pandas(), x=aspect, y=metric, units="seed", estimator=None, ax=ax,
        color="#9aa4af", lw=0.8, marker=marker, markersize=4, markeredgewidth=0, alpha=0.75, label="one seed",
    )  # fmt: skip
    if ax.get_legend() is not None:
        ax.get_legend().remove()
    # Paired: the noise left when each seed's own level is taken out, pooled over the shapes.
    noise = fit_two_way(own, metric, variant=aspect)
    half = float(stats.t.ppf(0.975, noise.dof)) * noise.sd / pl.len().sqrt()
    summary = own.group_by(aspect).agg(pl.col(metric).mean().alias("mean"), half.alias("half")).sort(aspect)
    ax.errorbar(
        summary[aspect], summary["mean"], summary["half"], fmt=marker, ms=7, color=colour, capsize=3, lw=1.4,
        markeredgecolor="white", markeredgewidth=0.8, zorder=4, label="mean, paired 95 % interval",
    )  # fmt: skip
    grid = np.geomspace(*fit.sampled, 200)
    ax.plot(grid, fit.predict(grid), color=colour, lw=2, zorder=3, label="fitted curve")
    low, high = ax.get_ylim()
    ax.set_ylim(low - 0.10 * (high - low), high + 0.14 * (high - low))
    if fit.optimum is not None and fit.interval is not None:
        y = low - 0.03 * (high - low)
        ax.plot(fit.interval, [y, y], color=INK, lw=2.2, solid_capstyle="butt", zorder=5)
        ax.plot([fit.optimum], [y], marker="v", color=INK, ms=8, ls="", zorder=6, label="optimum, 95 % interval")
        ax.annotate(
            short(fit.optimum), (fit.interval[1], y), (8, 0), textcoords="offset points", va="center", fontsize=10
        )
    else:
        _remark(ax, 0.03, "no optimum inside the sampled range", va="bottom")
    if fit.lack_of_fit < _MISSES:
        _remark(ax, 0.935, "the valley misses the means (p < 0.01): read the points", va="top")
    ax.set(xlabel="", ylabel="")


def _remark(ax: Axes, y: float, words: str, *, va: str) -> None:
    ax.text(0.5, y, words, transform=ax.transAxes, ha="center", va=va, fontsize=9, color=MUTED)
