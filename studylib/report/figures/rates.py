"""Loss against learning rate: whether one rate serves all variants."""

from __future__ import annotations

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

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
