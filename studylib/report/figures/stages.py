"""Curves of a run in stages: one panel a source, a vertical line where a stage begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from studylib.errors import invalid
from studylib.numbers import short
from studylib.report.figures.style import INK, LOSS, MUTED, canvas, look


def stage_curves(
    curves: pl.DataFrame,
    borders: Mapping[str, Sequence[int]],
    sources: Sequence[str],
    *,
    variants: Sequence[str] | None = None,
) -> Figure:
    """Validation bits per byte of each source along training, mean and range over seeds, a line a variant.

    Parameters
    ----------
    curves
        From ``analysis.read_curves`` with the trials' frame.
    borders
        Tokens at which a stage ends, by variant; they are drawn once where variants share them.
    sources
        Labels, a panel each.
    variants
        Which to draw, in this order; default: all.
    """
    rows = curves.filter((pl.col("split") == "validation") & pl.col("bpb").is_finite().fill_null(False))
    names = list(variants) if variants is not None else rows["variant"].unique(maintain_order=True).to_list()
    rows = rows.filter(pl.col("variant").is_in(names))
    known = rows["source"].unique().to_list()
    for source in sources:
        if source not in known:
            raise invalid("sources", source, "has no validation on the curves", choices=sorted(filter(None, known)))
    figure, axes = canvas(1, len(sources), width=3.3 * len(sources) + 0.4, height=4.6)
    for ax, source in zip(axes, sources, strict=True):
        frame = rows.filter(pl.col("source") == source).select("tokens", "bpb", "variant").to_pandas()
        for index, name in enumerate(names):
            style = look(index)
            sns.lineplot(
                frame[frame["variant"] == name], x="tokens", y="bpb", errorbar=("pi", 100), ax=ax, label=name,
                color=style["color"], linestyle=style["linestyle"], marker=style["marker"], markersize=4.5, legend=False,
                err_kws={"alpha": 0.13, "lw": 0},
            )  # fmt: skip
        for place in sorted({border for name in names for border in borders.get(name, ())}):
            ax.axvline(place, color=INK, lw=1, ls=(0, (4, 3)), zorder=1)
        # The first points lie far above what the comparison is about.
        late = frame[frame["tokens"] >= 0.15 * frame["tokens"].max()]["bpb"]
        room = 0.06 * (late.max() - late.min())
        ax.set_ylim(late.min() - room, late.max() + room)
        ax.text(
            0.96, 0.96, f"source: {source}", transform=ax.transAxes, ha="right", va="top", fontsize=10.5, color=MUTED,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 2},
        )  # fmt: skip
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
        ax.xaxis.set_major_locator(_few())
        ax.set(xlabel="training tokens", ylabel=LOSS if ax is axes[0] else "")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=3, fontsize=9, handlelength=3.2,
        title="dashed upright lines: a stage begins; bands: range of seeds", title_fontsize=9,
    )  # fmt: skip
    return figure


def _few():
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(4)
