"""What becomes of effects with size, and at the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from studylib.analysis import AtTarget, CarriedEffect
from studylib.analysis.at_target import Trend
from studylib.errors import invalid
from studylib.findings._figures.style import INK, MUTED, canvas, look, named_ticks
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Fraction, Frozen
from studylib.words import Words

_FAR = 8.0  # times as large as most others of its panel: left out of the frame


class OverSizes(Frozen):
    """Of one variant, percent of the baseline's loss: as measured at the smallest and the largest size, and at the target.

    ``at_target`` is not there where its interval is too wide to be of use.
    """

    variant: str
    first: Interval
    last: Interval
    at_target: Interval | None
    p_better: Fraction
    trend: Trend


class Slopes(Finding):
    name = "slopes"
    title = Words(
        en="""{% if sizes | length < 2 %}Effects are known at {{ sizes[0] }} alone{% else %}
            From {{ sizes[0] }} to {{ sizes[-1] }} parameters, of {{ effects | length }} {{ 'effect' | plural(effects | length) }}
            {% for trend, own in effects | groupby('trend') %}
            {{ own | length }} {% if own | length == 1 %}{{ trend | trend }}
            {%- else %}{{ {'holds': 'hold', 'shrinks': 'shrink', 'grows': 'grow', 'flips': 'flip', 'differs': 'differ', 'unclear': 'are unclear',
            'one size': 'are known at one size'}[trend] }}{% endif %}{{ '' if loop.last else ', ' }}
            {%- endfor %}{% endif %}""",
        ja="""{% if sizes | length < 2 %}効果は {{ sizes[0] }} だけで測られている{% else %}
            {{ sizes[0] }} から {{ sizes[-1] }} で {{ effects | length }} 案の効果は
            {% for trend, own in effects | groupby('trend') %}{{ trend | trend }} {{ own | length }}{{ '' if loop.last else '、' }}
            {%- endfor %}{% endif %}""",
    )
    alt = Words(
        en="""Effect of each choice in percent of the baseline's loss against model size, a panel a factor; bands are what all sizes
            together say. From the smallest to the largest size as measured, and at {{ target | short }} parameters where that is
            supported:
            {% for one in effects %}
            {{ one.variant }} {{ one.trend | trend }}, {{ one.first | signed(2) }} → {{ one.last | signed(2) }} %
            {%- if one.at_target is not none %}, at the target {{ one.at_target | signed(2) }} %{% endif %},
            better there with {{ one.p_better | percent }} probability{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""モデル規模に対する各案の効果(基準の損失に対する %)。因子ごとに 1 枠、帯は全規模をまとめた推定。最小から最大の規模への実測値と、
            支持される場合は {{ target | short }} パラメータでの値:
            {% for one in effects %}
            {{ one.variant }} {{ one.trend | trend }}、{{ one.first | signed(2) }} → {{ one.last | signed(2) }} %
            {%- if one.at_target is not none %}、目標では {{ one.at_target | signed(2) }} %{% endif %}、
            そこで基準に勝る確率 {{ one.p_better | percent }}{{ '。' if loop.last else ';' }}
            {% endfor %}""",
    )
    words = Words(
        en="""{% set gone = effects | selectattr('trend', 'in', ['shrinks', 'flips']) | map(attribute='variant') | list %}
            {% if gone %}Effects that do not last with size: {{ gone | listed }}.{% endif %}""",
        ja="""{% set gone = effects | selectattr('trend', 'in', ['shrinks', 'flips']) | map(attribute='variant') | list %}
            {% if gone %}規模とともに縮小または逆転する効果:{{ gone | listed }}。{% endif %}""",
    )

    target: float
    sizes: tuple[str, ...]
    effects: tuple[OverSizes, ...]

    @classmethod
    def of(cls, at: AtTarget, factors: Mapping[str, Sequence[str]]) -> Slopes:
        """``factors``: the variants of each, for the figure."""
        found = []
        for one in at.effects:
            ends = list(one.measured.values())
            found.append(
                OverSizes(
                    variant=one.variant, first=ends[0], last=ends[-1], at_target=one.target, p_better=one.p_better, trend=one.trend
                )
            )  # fmt: skip
        return cls(target=at.target_params, sizes=tuple(at.sizes), effects=tuple(found)).drawn_from(at, factors)

    def draw(self, at: AtTarget, factors: Mapping[str, Sequence[str]]) -> Figure:
        """A panel a factor, a line a variant.

        Markers and whiskers are each size by itself with its 95 % interval, lines and bands what all sizes and variants together say.
        """
        by_name, params = {one.variant: one for one in at.effects}, at.sizes
        panels = {factor: [by_name[name] for name in names if name in by_name] for factor, names in factors.items()}
        panels = {factor: found for factor, found in panels.items() if found}
        if not panels:
            raise invalid("factors", list(factors), "has no effect to draw", choices=by_name)
        columns = min(4 if len(panels) > 6 else 3, len(panels))
        rows = -(-len(panels) // columns)
        width = (2.9 if columns > 2 else 3.8) * columns  # a legend of long names needs room
        figure, axes = canvas(rows, columns, width=width, height=1.2 + 2.8 * rows, sharex=True)
        labels = {count: size for size, count in params.items()}
        for ax, (factor, found) in zip(axes, panels.items(), strict=False):
            ax.axhline(0, color=INK, lw=1)
            for index, one in enumerate(found):
                style = look(index)
                x = np.array([params[size] for size in one.measured]) * 1.03 ** (index - (len(found) - 1) / 2)
                low, middle, high = np.array(list(one.effects.values())).T
                ax.fill_between(x, low, high, color=style["color"], alpha=0.15, lw=0)
                ax.plot(x, middle, color=style["color"], linestyle=style["linestyle"], lw=1.6)
                low, middle, high = np.array(list(one.measured.values())).T
                ax.errorbar(
                    x, middle, [middle - low, high - middle], color=style["color"], marker=style["marker"], linestyle="none",
                    ms=6, elinewidth=1.2, capsize=2.5,
                )  # fmt: skip
                ax.plot(
                    [], [], color=style["color"], marker=style["marker"], linestyle=style["linestyle"], ms=6, lw=1.6,
                    label=f"{one.variant.removeprefix(f'{factor}: ')} ({one.trend})",
                )  # fmt: skip
            _readable(ax, found)
            ax.set_xscale("log")
            if len(params) < 2:  # or variants beside each other would be drawn as far apart as sizes are
                ax.set_xlim(min(params.values()) / 2, 2 * max(params.values()))
            named_ticks(ax.xaxis, labels)
            ax.yaxis.set_major_locator(MaxNLocator(5))
            ax.set_title(factor, loc="left", fontsize=10.5, color=MUTED)
            ax.tick_params(labelbottom=True)
            low, high = ax.get_ylim()
            ax.set_ylim(low, high + 0.12 * len(found) * (high - low))  # room for the legend, which covers no line
            _say_what_is_outside(ax, found)
            ax.legend(fontsize=7.5, loc="upper center", handlelength=2.4, labelspacing=0.3)
        for ax in axes[len(panels) :]:
            ax.set_visible(False)
        figure.supxlabel("parameters without embeddings", fontsize=10)
        figure.supylabel("effect (% of the baseline's loss)\n← better      worse →", fontsize=10)
        return figure


def _readable(ax: Axes, found: Sequence[CarriedEffect]) -> None:
    """Leave what is far worse than the rest out of the frame."""
    worst = {one.variant: max(abs(ends[1]) for ends in one.measured.values()) for one in found}
    usual = float(np.median(list(worst.values())))
    near = [one for one in found if not worst[one.variant] > _FAR * usual > 0]
    if len(near) < len(found):
        ends = [0.0, *(end for one in near for ends in one.measured.values() for end in ends)]
        margin = 0.15 * (max(ends) - min(ends))
        ax.set_ylim(min(ends) - margin, max(ends) + margin)


def _say_what_is_outside(ax: Axes, found: Sequence[CarriedEffect]) -> None:
    """Name what the frame, as it is in the end, does not show at some size."""
    low, high = ax.get_ylim()
    outside = []
    for one in found:
        largest = max((ends[1] for ends in one.measured.values()), key=abs)
        if not low <= largest <= high:
            outside.append(f"{one.variant.split(': ')[-1]} {largest:+.0f} %")
    if outside:
        told = f"off the scale: {', '.join(outside)}"
        ax.annotate(told, (0.02, 0.03), xycoords="axes fraction", fontsize=7.5, color=MUTED)
