"""Loss against learning rate: whether one rate serves all variants, and where the best one lies by width."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from studylib.analysis.valleys import Valley
from studylib.errors import invalid
from studylib.report.figures.style import INK, LOSS, canvas, look


def learning_rates(
    trials: pl.DataFrame, *, variant: str = "variant", factor: str = "lr_factor", legend: str = "layers x hidden size"
) -> Figure:
    """Loss against the learning rate as a multiple of the common one, a line a variant; ``legend`` says what those are."""
    rows = trials.filter(pl.col("val_bpb").is_finite().fill_null(False) & pl.col(factor).is_not_null())
    if rows.is_empty():
        raise invalid("trials", factor, "has no finished trial to draw")
    figure, (ax,) = canvas(width=7.2, height=3.8)
    frame = rows.select(factor, "val_bpb", pl.col(variant).cast(pl.String)).to_pandas()
    for index, name in enumerate(rows[variant].unique(maintain_order=True)):
        style = look(index)
        own = frame[frame[variant] == str(name)]
        sns.lineplot(
            own, x=factor, y="val_bpb", ax=ax, label=str(name), color=style["color"], linestyle=style["linestyle"],
            marker=style["marker"], markersize=7, errorbar=("pi", 100),
        )  # fmt: skip
    ax.axvline(1.0, color=INK, lw=1, ls=":")
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator(sorted(set(frame[factor]))))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"x{value:g}"))
    ax.set(xlabel="learning rate, as a multiple of the common one", ylabel=LOSS)
    # Below the axes: inside, it would lie on lines.
    handles, names = ax.get_legend_handles_labels()
    ax.get_legend().remove()
    figure.legend(handles, names, title=legend, loc="outside lower center", ncols=min(len(names), 4), fontsize=9)
    return figure


def rate_basins(trials: pl.DataFrame, fits: Mapping[str, Mapping[int, Valley]], *, panel: str = "init") -> Figure:
    """Loss against learning rate, a line a width, a panel a parametrisation; the fitted optimum with its interval below.

    Parameters
    ----------
    trials
        Columns ``learning_rate``, ``width``, ``val_bpb``, ``seed`` and ``panel``.
    fits
        By panel and width.
    """
    done = trials.filter(pl.col("val_bpb").is_finite().fill_null(False))
    if done.is_empty():
        raise invalid("trials", panel, "has no finished trial to draw")
    figure, axes = canvas(1, len(fits), width=max(6.4, 3.9 * len(fits)), height=4.6, sharey=True)
    # One scale for all panels. What diverged nearly, far above everything, would press the basins flat.
    least = float(done["val_bpb"].min())
    top = min(float(done["val_bpb"].max()), least * 1.45)
    step = 0.045 * (top - least)
    for ax, (name, by_width) in zip(axes, fits.items(), strict=True):
        own = done.filter(pl.col(panel) == name)
        for index, (width, fit) in enumerate(by_width.items()):
            style = look(index)
            frame = own.filter(pl.col("width") == width).select("learning_rate", "val_bpb").to_pandas()
            sns.lineplot(
                frame, x="learning_rate", y="val_bpb", ax=ax, errorbar=("pi", 100), label=f"{width} wide",
                color=style["color"], linestyle=style["linestyle"], marker=style["marker"], markersize=6,
                err_kws={"alpha": 0.15, "lw": 0}, legend=False,
            )  # fmt: skip
            y = least - (index + 1.5) * step
            if fit.optimum is None or fit.interval is None:
                ax.plot(fit.edge, y, "x", color=style["color"], ms=7, mew=2)
                continue
            ax.plot(fit.interval, [y, y], color=style["color"], lw=2.4, solid_capstyle="butt")
            ax.plot(fit.optimum, y, marker=style["marker"], color=style["color"], ms=8, mec=INK)
        ax.set_xscale("log")
        ax.set_ylim(least - (max(map(len, fits.values())) + 1.8) * step, top + 2 * step)
        rates = sorted(own["learning_rate"].unique())
        ax.xaxis.set_major_locator(FixedLocator(rates[:: -(-len(rates) // 6)]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.text(0.5, 0.985, name, transform=ax.transAxes, ha="center", va="top", fontsize=10.5, fontweight="bold")
        ax.set(xlabel="learning rate (log scale)", ylabel=LOSS)
    handles = dict(zip(*reversed(axes[0].get_legend_handles_labels()), strict=True))
    handles["below: optimum, 95 % interval"] = axes[0].plot([], [], "o-", color=INK, mec=INK)[0]
    if any(fit.optimum is None for by_width in fits.values() for fit in by_width.values()):
        handles["best at the edge"] = axes[0].plot([], [], "x", color=INK, ms=7, mew=2)[0]
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, fontsize=9)
    return figure
