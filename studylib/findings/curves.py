"""The way to the end: validation along training."""

from __future__ import annotations

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from studylib.analysis.paired import compare_to_baseline
from studylib.errors import StudyError, invalid
from studylib.findings._figures.style import LOSS, PALETTE, canvas, look
from studylib.findings._finding import Finding
from studylib.numbers import short
from studylib.result import Text
from studylib.words import Words


class Curves(Finding):
    """``gap_percent``: how far the worst ends above the best, of the loss, with its paired interval; None with fewer than two seeds in
    common. ``told_apart``: the gap is significant among the comparisons of all with the best."""

    name = "curves"
    title = Words(
        en="""
            {{ best }} ends {{ gap_percent | fixed(1) }} %{% if interval is not none %} ({{ interval[0] | fixed(1) }} to
            {{ interval[1] | fixed(1) }}){% endif %} below {{ worst }}{% if not told_apart %}: not told apart{% endif %}""",
        ja="""
            最終損失は {{ best }} が {{ worst }} より {{ gap_percent | fixed(1) }} %{% if interval is not none %}
            ({{ interval[0] | fixed(1) }}〜{{ interval[1] | fixed(1) }}){% endif %}
            {{- '' if told_apart else ':差があるとは言えない' }}""",
    )
    alt = Words(
        en="Validation bits per byte along training at {{ size }}, mean and range over seeds, a line a {{ subject }}.",
        ja="{{ size }} の学習中の検証 bits/byte。シード平均と範囲、{{ subject }}ごとに 1 本の線。",
    )

    subject: Text
    size: str
    best: str
    worst: str
    gap_percent: float
    interval: tuple[float, float] | None
    told_apart: bool

    @classmethod
    def of(cls, trials: pl.DataFrame, curves: pl.DataFrame, subject: Text) -> Curves:
        """``trials`` of one size, of at least two variants; ``curves`` from ``analysis.read_curves``, of more trials perhaps."""
        means = (
            trials.group_by("variant", maintain_order=True).agg(pl.col("val_bpb").mean()).drop_nulls().sort("val_bpb")
        )
        (best, low), (worst, high) = means.row(0), means.row(-1)
        own = curves.filter(pl.col("hash").is_in(trials["hash"].to_list()))
        try:
            against = compare_to_baseline(trials, best).row(by_predicate=pl.col("variant") == worst, named=True)
        except StudyError:  # no two seeds in common
            against = {"low": None, "significant": False}
        known = against["low"] is not None
        return cls(
            subject=subject, size=str(trials["size"][0]), best=best, worst=worst, gap_percent=100 * (high / low - 1),
            interval=(100 * against["low"] / low, 100 * against["high"] / low) if known else None,
            told_apart=against["significant"],
        ).drawn_from(own)  # fmt: skip

    def draw(self, curves: pl.DataFrame) -> Figure:
        """Mean and range over seeds (least to greatest) against tokens, a line a variant."""
        rows = curves.filter((pl.col("split") == "validation") & (pl.col("source") == "") & pl.col("bpb").is_finite())
        if rows.is_empty():
            raise invalid("curves", "", "has no validation of these trials")
        names = rows["variant"].unique(maintain_order=True).to_list()
        figure, (ax,) = canvas(width=7.2, height=4.2)
        frame = rows.select("tokens", "bpb", "variant").to_pandas()
        for index, name in enumerate(names):
            style = look(index)
            own = frame[frame["variant"] == name]
            few = own["tokens"].nunique() <= 25
            sns.lineplot(
                own, x="tokens", y="bpb", errorbar=("pi", 100), ax=ax, label=name, color=style["color"], legend=False,
                linestyle=style["linestyle"], marker=style["marker"] if few else None, markersize=5,
                err_kws={"alpha": 0.15, "lw": 0},
            )  # fmt: skip
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda value, _: short(value))
        if rows["tokens"].max() < 30 * rows["tokens"].min():  # under about a decade the ticks between count too
            ax.xaxis.set_minor_formatter(lambda value, _: short(value) if str(value)[0] in "246" else "")
        else:
            ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set(xlabel="training tokens   (log scale)", ylabel=LOSS)
        figure.legend(
            loc="outside right upper", title="variant\n(band: range of seeds)", title_fontsize=9, alignment="left",
            handlelength=3.2, ncols=1 + len(names) // (2 * len(PALETTE)),
        )  # fmt: skip
        return figure
