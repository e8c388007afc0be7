"""Mixture of experts: who gets the tokens."""

from __future__ import annotations

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from studylib.errors import invalid
from studylib.numbers import short
from studylib.report.figures.style import INK, canvas, look

_MOST_WRITTEN = 16  # experts; beyond, numbers in the cells would not be readable


def expert_load(load: pl.DataFrame, variant: str, *, most_sources: int = 4) -> Figure:
    """Share of the tokens that each expert of each layer gets, as a multiple of an even share; a panel a source.

    Parameters
    ----------
    load
        From ``analysis.read_expert_load``; means over the seeds' last steps are drawn. Experts have no order that seeds
        share, so each seed's experts are sorted by load, the busiest first, in the whole mixture.
    """
    rows = load.filter((pl.col("variant") == variant) & (pl.col("step") == pl.col("step").max().over("hash")))
    if rows.is_empty():
        raise invalid("load", variant, "has no expert load to draw")
    place = ["hash", "layer", "expert"]
    whole = rows.group_by(place).agg(pl.col("share").mean().alias("whole"))
    ranked = whole.with_columns(
        pl.col("whole").rank("ordinal", descending=True).over("hash", "layer").cast(pl.Int64).alias("rank")
    )
    rows = rows.join(ranked, on=place).with_columns(
        (pl.col("share") * pl.len().over("hash", "layer", "source")).alias("times")
    )
    sources = rows["source"].unique(maintain_order=True).to_list()[:most_sources]
    experts, layers = rows["expert"].n_unique(), rows["layer"].n_unique()
    figure, axes = canvas(rows=len(sources), width=7.2, height=1.7 + len(sources) * (0.35 + 0.27 * layers), sharex=True)
    mean = rows.group_by("source", "layer", "rank").agg(pl.col("times").mean())
    top = max(2.0, float(mean["times"].max()))
    for ax, source in zip(axes, sources, strict=True):
        own = mean.filter(pl.col("source") == source).sort("layer", "rank")
        table = own.to_pandas().pivot(index="layer", columns="rank", values="times")
        sns.heatmap(
            table, ax=ax, cmap="cividis", vmin=0, vmax=top, cbar=False, annot=experts <= _MOST_WRITTEN, fmt=".1f",
            annot_kws={"size": 8.5}, linewidths=0.4, linecolor="white",
        )  # fmt: skip
        ax.set_title(source, loc="left", fontsize=10.5, color=INK)
        ax.set(xlabel="", ylabel="layer")
        ax.tick_params(axis="y", labelrotation=0)
    axes[-1].set_xlabel("expert, the busiest of all text first")
    figure.colorbar(axes[0].collections[0], ax=axes, label="times an even share", shrink=0.9)
    return figure


def imbalance_curves(curves: pl.DataFrame) -> Figure:
    """The busiest expert's tokens over the mean along the training, mean over layers and seeds with the seeds' range.

    ``curves`` is from ``analysis.read_imbalance``; a line a variant. 1 is even use.
    """
    if curves.is_empty():
        raise invalid("curves", "", "has no imbalance to draw")
    rows = curves.group_by("variant", "hash", "tokens", maintain_order=True).agg(pl.col("imbalance").mean())
    figure, (ax,) = canvas(width=7.2, height=3.8)
    frame = rows.select("variant", "tokens", "imbalance").to_pandas()
    for index, name in enumerate(rows["variant"].unique(maintain_order=True)):
        style = look(index)
        sns.lineplot(
            frame[frame["variant"] == name], x="tokens", y="imbalance", ax=ax, label=name, color=style["color"],
            linestyle=style["linestyle"], errorbar=("pi", 100), err_kws={"alpha": 0.15, "lw": 0},
        )  # fmt: skip
    ax.axhline(1.0, color=INK, lw=1, ls=":")
    ax.set_ylim(bottom=0.9)
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    ax.set(xlabel="training tokens", ylabel="busiest expert's tokens over the mean")
    ax.legend(title="band: range of seeds", title_fontsize=9, fontsize=9)
    return figure
