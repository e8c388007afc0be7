"""Where the loss is lowest along what is swept, at every size, and how flat it is there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from studylib.analysis import Valley, Valleys
from studylib.analysis.twoway import fit_two_way
from studylib.findings._figures.style import INK, LOSS, MUTED, canvas, look
from studylib.findings._finding import Finding, Range
from studylib.findings._quantity import Quantity, powers_of_two
from studylib.frozen import Frozen
from studylib.numbers import short
from studylib.result import Text
from studylib.words import Words

_Z = 1.96  # of a 95 % interval
_MISSES = 0.01  # p value below which the curve does not describe the means


class Bottom(Frozen):
    """The valley of one size; ``margin`` in bits per byte."""

    size: str
    optimum: float | None
    interval: Range | None
    flat: Range | None
    margin: float
    fitted: bool


class LossValley(Finding):
    """``basis``: what was held equal; ``left_out``: sizes without a valley."""

    name = "valley"
    title = Words(
        en="""
            {%- set last = bottoms[-1] -%}
            At {{ last.size }} and {{ basis | accounting }} {% if last.optimum is none %}the best {{ quantity }} is not bracketed
            {%- else %}the best {{ quantity }} is {{ last.optimum | num }}{% endif %};
            {% if last.flat is none %}none is known to be as good{% else %}{{ last.flat | num }} costs less than 0.2 % more{% endif %}""",
        ja="""
            {%- set last = bottoms[-1] -%}
            {{ last.size }}({{ basis | accounting }})では{% if last.optimum is none %}最適{{ quantity }}が範囲内に定まらない
            {%- else %}{{ quantity }} {{ last.optimum | num }} が最良{% endif %}、
            {% if last.flat is none %}同等と言える範囲はまだない{% else %}{{ last.flat | num }} は差 0.2 % 未満{% endif %}""",
    )
    alt = Words(
        en="""
            Validation bits per byte against {{ quantity }}, one panel a size.
            {% for one in bottoms %}
            {{ one.size }}: {% if one.interval is none %}no optimum inside the range{% else %}optimum {{ one.interval | num }}{% endif %},
            flat {{ 'nowhere known' if one.flat is none else one.flat | num }}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""
            {{ quantity }}に対する検証 bits/byte。規模ごとに 1 枠。
            {% for one in bottoms %}
            {{ one.size }}:{% if one.interval is none %}範囲内に最適点なし{% else %}最適点 {{ one.interval | num }}{% endif %}、
            平坦域 {{ '不明' if one.flat is none else one.flat | num }}{{ '。' if loop.last else ';' }}
            {% endfor %}""",
    )
    words = Words(
        en="""
            {%- set last = bottoms[-1] -%}
            {% if last.flat is none %}
            At {{ last.size }} no {{ quantity }} is known to cost less than {{ last.margin | fixed }} bits per byte more than the best.
            {% else %}
            At {{ last.size }} each {{ quantity }} from {{ last.flat | num }} costs less than {{ last.margin | fixed }} bits per byte
            more than the best, with 95 % probability.
            {% endif %}
            {% set missed = bottoms | rejectattr('fitted') | map(attribute='size') | list %}
            {% if missed %}
            The fitted valley misses the means at {{ missed | listed }} (p < 0.01); its intervals are widened by what it misses.
            {% endif %}
            {% if left_out %}Too few values finished for a valley at {{ left_out | listed }}.{% endif %}""",
        ja="""
            {%- set last = bottoms[-1] -%}
            {% if last.flat is none %}
            {{ last.size }} では、最良との差が {{ last.margin | fixed }} bits/byte 未満と言える{{ quantity }}はまだありません。
            {% else %}
            {{ last.size }} では、{{ quantity }} {{ last.flat | num }} はいずれも 95 % の確率で最良との差が {{ last.margin | fixed }} bits/byte 未満です。
            {% endif %}
            {% set missed = bottoms | rejectattr('fitted') | map(attribute='size') | list %}
            {% if missed %}
            {{ missed | listed }} では谷の曲線が平均値に合いません(p < 0.01)。区間はその分だけ広げてあります。
            {% endif %}
            {% if left_out %}{{ left_out | listed }} では完了した値が足りず、谷が求まりません。{% endif %}""",
    )

    quantity: Text
    basis: str
    bottoms: tuple[Bottom, ...]
    left_out: tuple[str, ...]

    @classmethod
    def of(cls, trials: pl.DataFrame, valleys: Valleys, quantity: Quantity, basis: str = "flops") -> LossValley:
        """``valleys``: the joint fit to ``trials``."""
        bottoms = tuple(
            Bottom(
                size=fit.budget, optimum=fit.optimum, interval=fit.interval, flat=fit.flat, margin=fit.margin,
                fitted=fit.lack_of_fit >= _MISSES,
            )
            for fit in valleys.budgets
        )  # fmt: skip
        return cls(quantity=quantity.name, basis=basis, bottoms=bottoms, left_out=tuple(valleys.left_out)).drawn_from(
            trials, valleys, quantity
        )

    def draw(self, trials: pl.DataFrame, valleys: Valleys, quantity: Quantity) -> Figure:
        """A panel a size: seeds as small points joined per seed, their mean, the fitted curve, the flat basin shaded, the optimum,
        and the known model of ``quantity``. A panel whose curve misses the means says so."""
        fits = valleys.budgets
        columns = min(len(fits), 2 if len(fits) in (2, 4) else 3)
        rows = -(-len(fits) // columns)
        figure, axes = canvas(rows, columns, width=max(6.4, 3.5 * columns), height=3.5 * rows + 0.9, sharex=True)
        for ax in axes[len(fits) :]:
            ax.remove()
        axes = axes[: len(fits)]
        ends = [end for fit in fits for end in fit.sampled]
        ends += [quantity.reference] if quantity.reference is not None else []
        for index, (fit, ax) in enumerate(zip(fits, axes, strict=True)):
            _panel(ax, trials, fit, index, valleys.quantity, quantity)
            title = f"{fit.budget} parameters"
            ax.text(0.5, 0.985, title, transform=ax.transAxes, ha="center", va="top", fontsize=10.5, fontweight="bold")
            powers_of_two(ax.xaxis, min(ends) / 1.25, max(ends) * 1.35)
            ax.set_xlim(min(ends) / 1.25, max(ends) * 1.35)
            ax.set_ylabel(LOSS if ax.get_subplotspec().is_first_col() else "")
            if _is_lowest(ax, axes):
                ax.tick_params(labelbottom=True)
                ax.set_xlabel(quantity.label)
        drawn: dict[str, object] = {}
        for ax in axes:
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


def _panel(ax: Axes, trials: pl.DataFrame, fit: Valley, index: int, swept: str, quantity: Quantity) -> None:
    own = trials.filter((pl.col("size") == fit.budget) & pl.col("val_bpb").is_finite())
    style = look(index)
    colour, marker = style["color"], style["marker"]
    ax.set_xscale("log")
    if fit.flat is not None:
        said = "flat: less than 0.2 % of the loss above the bottom, with 95 %"
        ax.axvspan(*fit.flat, color=colour, alpha=0.13, lw=0, label=said)
    if quantity.reference is not None:
        label = quantity.reference_label.replace("\n", ", ")
        ax.axvline(quantity.reference, color=MUTED, lw=1.1, ls=":", label=label)
    sns.lineplot(
        own.select(swept, "val_bpb", "seed").to_pandas(), x=swept, y="val_bpb", units="seed", estimator=None, ax=ax, legend=False,
        color="#9aa4af", lw=0.8, marker=marker, markersize=4, markeredgewidth=0, alpha=0.75, label="one seed",
    )  # fmt: skip
    # Paired: the noise left when each seed's own level is taken out, pooled over the shapes.
    # One seed has none of its own: that of the joint fit.
    noise = fit_two_way(own, "val_bpb", variant=swept, own_noise=False)
    wide = (
        float(stats.t.ppf(0.975, noise.dof)) * noise.sd
        if noise.dof
        else _Z * fit.noise_percent / 100 * own["val_bpb"].mean()
    )
    half = wide / pl.len().sqrt()
    summary = own.group_by(swept).agg(mean=pl.col("val_bpb").mean(), half=half).sort(swept)
    ax.errorbar(
        summary[swept], summary["mean"], summary["half"], fmt=marker, ms=7, color=colour, capsize=3, lw=1.4,
        markeredgecolor="white", markeredgewidth=0.8, zorder=4, label="mean, paired 95 % interval",
    )  # fmt: skip
    grid = np.geomspace(*fit.sampled, 200)
    ax.plot(grid, fit.predict(grid), color=colour, lw=2, zorder=3, label="fitted curve")
    low, high = ax.get_ylim()
    missed = fit.lack_of_fit < _MISSES
    ax.set_ylim(
        low - 0.10 * (high - low), high + (0.28 if missed else 0.14) * (high - low)
    )  # room for what is said there
    if fit.optimum is not None and fit.interval is not None:
        y = low - 0.03 * (high - low)
        ax.plot(fit.interval, [y, y], color=INK, lw=2.2, solid_capstyle="butt", zorder=5)
        ax.plot([fit.optimum], [y], marker="v", color=INK, ms=8, ls="", zorder=6, label="optimum, 95 % interval")
        # towards the middle, where there is room for it
        right = fit.optimum**2 < fit.sampled[0] * fit.sampled[1]
        place, side, align = (fit.interval[1], 8, "left") if right else (fit.interval[0], -8, "right")
        ax.annotate(
            short(fit.optimum), (place, y), (side, 0), textcoords="offset points", ha=align, va="center", fontsize=10
        )
    else:
        _remark(ax, 0.03, "no optimum inside the sampled range", va="bottom")
    if missed:
        _remark(ax, 0.935, "the valley misses the means\n(p < 0.01): read the points", va="top")
    ax.set(xlabel="", ylabel="")


def _remark(ax: Axes, y: float, words: str, *, va: str) -> None:
    ax.text(0.5, y, words, transform=ax.transAxes, ha="center", va=va, fontsize=9, color=MUTED)
