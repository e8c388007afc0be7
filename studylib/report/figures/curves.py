"""Learning curves: the mean over seeds and the range of the seeds."""

from __future__ import annotations

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from studylib.errors import invalid
from studylib.numbers import short
from studylib.report.figures.style import LOSS, PALETTE, canvas, look


def learning_curves(
    curves: pl.DataFrame,
    *,
    variant: str = "variant",
    split: str = "validation",
    metric: str = "bpb",
    source: str = "",
    unit: str | None = None,
    log: bool = True,
) -> Figure:
    """Mean and seed range (least to greatest) of a metric against tokens, one line a variant.

    Parameters
    ----------
    curves
        From ``analysis.read_curves`` with the trials' frame, so that ``variant`` and ``seed`` are there.
    split, metric
        ``validation`` with ``bpb`` or ``loss``; ``train`` with ``loss``, ``grad_norm`` or ``learning_rate``.
    source
        One data source's label, or empty for the whole mixture.
    """
    rows = curves.filter(
        (pl.col("split") == split) & (pl.col("source") == source) & pl.col(metric).is_finite().fill_null(False)
    ).with_columns(pl.col(variant).cast(pl.String))
    if rows.is_empty():
        known = curves.select("split", "source").unique().rows()
        raise invalid("split", f"{split} {source}".strip(), f"has no {metric} on the curves", choices=known)
    names = rows[variant].unique(maintain_order=True).to_list()
    figure, (ax,) = canvas(width=7.2, height=4.2)
    frame = rows.select("tokens", metric, variant).to_pandas()
    for index, name in enumerate(names):
        style = look(index)
        own = frame[frame[variant] == name]
        few = own["tokens"].nunique() <= 25
        sns.lineplot(
            own, x="tokens", y=metric, errorbar=("pi", 100), ax=ax, label=name, color=style["color"],
            linestyle=style["linestyle"], marker=style["marker"] if few else None, markersize=5,
            err_kws={"alpha": 0.15, "lw": 0},
        )  # fmt: skip
    if ax.get_legend() is not None:
        ax.get_legend().remove()
    if log:
        ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    if log and rows["tokens"].max() < 30 * rows["tokens"].min():  # under about a decade the ticks between count too
        ax.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: short(value) if str(value)[0] in "246" else ""))
    elif log:
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("training tokens" + ("   (log scale)" if log else ""))
    units = {"bpb": LOSS, "loss": f"{split} loss (nats per token)"}
    ax.set_ylabel(unit or units.get(metric, metric.replace("_", " ")))
    figure.legend(
        loc="outside right upper", title=f"{variant}\n(band: range of seeds)", title_fontsize=9, alignment="left",
        handlelength=3.2,
        ncols=1 + len(names) // (2 * len(PALETTE)),
    )  # fmt: skip
    return figure
