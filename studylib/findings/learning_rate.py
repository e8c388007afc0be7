"""Whether one learning rate was fair to all variants."""

from __future__ import annotations

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure

from studylib.analysis import NoiseFloor, common_rate_cost
from studylib.findings._figures.style import INK, LOSS, canvas, look, ticks
from studylib.findings._finding import Finding, Range
from studylib.frozen import Frozen
from studylib.result import Text
from studylib.words import Words


class Tried(Frozen):
    """The best of the rates that one variant was trained with, as a multiple of the common one."""

    variant: str
    best_factor: float


class LearningRate(Finding):
    """``cost``: the least and the most that the common rate gives away, bits per byte, by seeds that did not choose the rate."""

    name = "learning-rate"
    title = Words(
        en="""The common learning rate is the best of those tried for {{ tried | selectattr('best_factor', 'eq', 1.0) | list | length }}
            of {{ tried | length }} {{ subject }}s""",
        ja="""共通の学習率は {{ tried | length }} {{ subject }}中
            {{ ' ' }}{{ tried | selectattr('best_factor', 'eq', 1.0) | list | length }} {{ subject }}で試した中の最良""",
    )
    alt = Words(
        en="""Validation loss against learning rate, a line a {{ subject }}. Best factor:
            {% for one in tried %}{{ one.variant }} x{{ one.best_factor | num }}{{ '.' if loop.last else ', ' }}{% endfor %}""",
        ja="""学習率に対する検証損失。{{ subject }}ごとに 1 本の線。最良の倍率:
            {% for one in tried %}{{ one.variant }} {{ one.best_factor | num }} 倍{{ '。' if loop.last else '、' }}{% endfor %}""",
    )
    words = Words(
        en="""Learning rates follow CompleteP, not tuned per {{ subject }}.
            {% if not tried %}
            No check was asked for (lr_factors).
            {% elif cost is none %}
            Others were tried with one seed only, which cannot both choose a rate and judge it.
            {% else %}
            With others tried on {{ tried | length }} {{ subject | plural(tried | length) }}, the common rate gives away {{ cost | signed }} bits per byte, judged by
            seeds that did not choose: {% if fair %}within noise, so the comparison is fair.
            {% else %}more than the noise, so {{ subject }}s differ by tuning too.{% endif %}
            {% endif %}""",
        ja="""学習率は CompleteP に従い、{{ subject }}ごとには調整していません。
            {% if not tried %}
            確認(lr_factors)は行っていません。
            {% elif cost is none %}
            別の学習率は 1 シードで試しただけなので、選択と評価を分けられません。
            {% else %}
            {{ tried | length }} {{ subject }}で別の学習率を試し、選択に使わなかったシードで評価すると、共通の学習率の損は {{ cost | signed }} bits/byte です。
            {% if fair %}誤差内なので比較は公平です。{% else %}誤差を超えるため、{{ subject }}の差に調整の差が混じります。{% endif %}
            {% endif %}""",
    )

    subject: Text
    tried: tuple[Tried, ...]
    cost: Range | None
    fair: bool

    @classmethod
    def of(cls, trials: pl.DataFrame, noise: NoiseFloor, subject: Text, *, legend: str = "variant") -> LearningRate:
        """``trials`` at several ``lr_factor``; none is a finding too. ``subject``: what the variants are (shape, 形状)."""
        table = common_rate_cost(trials)
        known = table["given_away"].drop_nulls()
        found = cls(
            subject=subject,
            tried=tuple(Tried(variant=name, best_factor=best) for name, best in table.select("variant", "best_factor").rows()),
            cost=(known.min(), known.max()) if len(known) else None,
            fair=len(known) > 0 and known.max() - known.min() <= noise.mde,
        )  # fmt: skip
        return found.drawn_from(trials, legend) if found.tried else found

    def draw(self, trials: pl.DataFrame, legend: str) -> Figure:
        return rate_lines(trials, legend)


def rate_lines(trials: pl.DataFrame, legend: str) -> Figure:
    """Loss against the rate as a multiple of the common one, a line a variant; ``legend`` says what those are."""
    rows = trials.filter(pl.col("val_bpb").is_finite() & pl.col("lr_factor").is_not_null())
    figure, (ax,) = canvas(width=7.2, height=3.8)
    frame = rows.select("lr_factor", "val_bpb", "variant").to_pandas()
    names = rows["variant"].unique(maintain_order=True).to_list()
    for index, name in enumerate(names):
        style = look(index)
        sns.lineplot(
            frame[frame["variant"] == name], x="lr_factor", y="val_bpb", ax=ax, label=name, color=style["color"],
            linestyle=style["linestyle"], marker=style["marker"], markersize=7, errorbar=("pi", 100), legend=False,
        )  # fmt: skip
    ax.axvline(1.0, color=INK, lw=1, ls=":")
    ax.set_xscale("log")
    ticks(ax.xaxis, sorted(set(frame["lr_factor"])), "x{:g}".format)
    ax.set(xlabel="learning rate, as a multiple of the common one", ylabel=LOSS)
    # Below the axes: inside, it would lie on lines.
    figure.legend(title=legend, loc="outside lower center", ncols=min(len(names), 4), fontsize=9)
    return figure
