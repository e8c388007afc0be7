"""The batch size: loss by batch at several lengths of run, and where its optimum goes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from studylib.analysis.carried import CarriedOptimum
from studylib.analysis.valleys import Valley
from studylib.errors import invalid
from studylib.numbers import short
from studylib.report.figures.style import INK, MUTED, canvas, look


def batch_basins(
    trials: pl.DataFrame, fits: Mapping[int, Mapping[int, Valley]], law: CarriedOptimum | None = None
) -> Figure:
    """Loss above that of the best batch, a panel a width, a line a length of run; then the optima against that length.

    Parameters
    ----------
    trials
        Columns ``width``, ``tokens``, ``batch_tokens``, ``val_bpb``, ``seed``: each batch at its best rate.
    fits
        By width and training tokens.
    law
        Drawn through the optima at the size of each width, where it is known.
    """
    done = trials.filter(pl.col("val_bpb").is_finite().fill_null(False))
    if done.is_empty() or not fits:
        raise invalid("trials", "batch", "has no finished trial to draw")
    figure, axes = canvas(1, len(fits) + 1, width=max(7.2, 3.7 * (len(fits) + 1)), height=4.4)
    lengths = sorted({tokens for one in fits.values() for tokens in one})
    for ax, (width, by_length) in zip(axes, fits.items(), strict=False):
        for tokens, fit in by_length.items():
            own = _above_best(done.filter((pl.col("width") == width) & (pl.col("tokens") == tokens)))
            style = look(lengths.index(tokens))
            sns.lineplot(
                own.to_pandas(), x="batch_tokens", y="above", ax=ax, errorbar=("pi", 100), markersize=6,
                label=f"{short(tokens)} tokens", err_kws={"alpha": 0.15, "lw": 0}, legend=False, **style,
            )  # fmt: skip
            if fit.optimum is not None:
                ax.axvline(fit.optimum, color=style["color"], ls=style["linestyle"], lw=1)
        ax.set_xscale("log", base=2)
        sizes = sorted(done["batch_tokens"].unique())
        ax.xaxis.set_major_locator(FixedLocator(sizes[:: -(-len(sizes) // 6)]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
        ax.text(0.5, 0.985, f"{width} wide", transform=ax.transAxes, ha="center", va="top", fontweight="bold")
        ax.set(xlabel="batch (tokens a step)", ylabel="loss above the best batch's\n(bits per byte)")
    _optima(axes[-1], fits, law)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=9)
    return figure


def _above_best(rows: pl.DataFrame) -> pl.DataFrame:
    """Each seed's loss above the mean of the best batch, in that seed's own level: seeds differ alike at all batches."""
    means = rows.group_by("batch_tokens").agg(pl.col("val_bpb").mean()).sort("val_bpb")
    level = rows.group_by("seed").agg(pl.col("val_bpb").mean().alias("level"))
    least, middle = float(means["val_bpb"][0]), float(level["level"].mean())
    shifted = pl.col("val_bpb") - (pl.col("level") - middle) - least
    return rows.join(level, on="seed").select("batch_tokens", shifted.alias("above"))


def _optima(ax: Axes, fits: Mapping[int, Mapping[int, Valley]], law: CarriedOptimum | None) -> None:
    for index, (width, by_length) in enumerate(fits.items()):
        style = look(index)
        for tokens, fit in by_length.items():
            if fit.optimum is None or fit.interval is None:
                ax.plot(tokens, fit.edge, "x", color=style["color"], ms=8, mew=2)
                continue
            error = [
                [fit.optimum - min(fit.interval[0], fit.optimum)],
                [max(fit.interval[1], fit.optimum) - fit.optimum],
            ]
            ax.errorbar(tokens, fit.optimum, error, fmt=style["marker"], color=style["color"], capsize=4, ms=8)
        ax.plot([], [], style["marker"], color=style["color"], label=f"{width} wide")
    if any(fit.optimum is None for one in fits.values() for fit in one.values()):
        ax.plot([], [], "x", color=INK, mew=2, ls="", label="best at the edge")
    if law is not None:
        _line(ax, fits, law)
    ax.set_xscale("log")
    ax.set_yscale("log", base=2)
    ax.xaxis.set_minor_locator(NullLocator())
    lengths = sorted({tokens for one in fits.values() for tokens in one})
    ax.xaxis.set_major_locator(FixedLocator(lengths))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    ax.set(xlabel="training tokens", ylabel="best batch (tokens a step)")
    ax.legend(fontsize=9, loc="best")


def _line(ax: Axes, fits: Mapping[int, Mapping[int, Valley]], law: CarriedOptimum) -> None:
    """The law over tokens, at the size of the widest model where it knows sizes."""
    *_, widest = fits.values()
    lengths = np.geomspace(min(widest), max(widest), 20)
    scale = law.optimum[1]
    size = next(iter(widest.values())).params
    if "params" in law.exponents:
        scale *= (size / law.target["params"]) ** law.exponents["params"][1]
    ax.plot(
        lengths,
        scale * (lengths / law.target["tokens"]) ** law.exponents["tokens"][1],
        color=MUTED,
        lw=1.4,
        label="law",
    )
