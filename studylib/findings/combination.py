"""Whether gains add up: the best of each factor together against the sum of what each brought alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from studylib.analysis import Additivity, check_additivity, finished_variants
from studylib.findings._figures.style import INK, MUTED, PALETTE, canvas, wrapped
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import Words

_STATES = {
    "adds up": "gains add up", "less": "less than the sum", "more": "more than the sum", "unclear": "the sum is not refuted",
}  # fmt: skip


class Together(Frozen):
    """At one size, against the baseline in bits per byte: the sum of the single effects, and the combination as measured."""

    size: str
    predicted: Interval
    measured: Interval
    state: Literal["adds up", "less", "more", "unclear"]


class Combination(Finding):
    """``parts``: variants put together, fewer than two: nothing was; ``sizes``: those at which all of them finished."""

    name = "sum"
    title = Words(
        en="""At {{ sizes[-1].size }} the best of each factor together bring {{ sizes[-1].measured[1] | signed }} bits per byte, the sum of
            their single effects {{ sizes[-1].predicted[1] | signed }}""",
        ja="""{{ sizes[-1].size }} で各因子の最良案を合わせると {{ sizes[-1].measured[1] | signed }} bits/byte、単独効果の和は
            {{ ' ' }}{{ sizes[-1].predicted[1] | signed }}""",
    )
    alt = Words(
        en="""Single effects of {{ parts | listed }}, their sum and the combination, bits per byte against the baseline.
            {% for one in sizes %}
            {{ one.size }}: predicted {{ one.predicted | signed }}, measured {{ one.measured | signed }}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""{{ parts | listed }} の単独効果、その和、組み合わせの実測(基準との差、bits/byte)。
            {% for one in sizes %}
            {{ one.size }}:予測 {{ one.predicted | signed }}、実測 {{ one.measured | signed }}{{ '。' if loop.last else ';' }}
            {% endfor %}""",
    )
    words = Words(
        en="""{% if sizes %}
            {{ parts | listed }} put together:
            {% for one in sizes %}
            {{ {'adds up': 'the gains add up', 'less': 'they bring less than their sum', 'more': 'they bring more than their sum',
            'unclear': 'the noise allows their sum, or less, or more'}[one.state] }} at {{ one.size }}{{ '.' if loop.last else '; ' }}
            {% endfor %}
            {% elif parts | length < 2 %}Nothing was combined: a choice below the baseline is needed in two factors and there is in
            {{ parts | length }}.
            {% else %}{{ parts | listed }} together finished at no size.{% endif %}""",
        ja="""{% if sizes %}
            {{ parts | listed }} の組み合わせ:
            {% for one in sizes %}
            {{ one.size }} では{{ {'adds up': '足し合わせられる', 'less': '和より小さい', 'more': '和より大きい',
            'unclear': '和との差は誤差内'}[one.state] }}{{ '。' if loop.last else '、' }}
            {% endfor %}
            {% elif parts | length < 2 %}組み合わせは試していません(基準を下回る案のある因子は {{ parts | length }}、2 つ以上必要)。
            {% else %}{{ parts | listed }} の組み合わせはどの規模でも完了しませんでした。{% endif %}""",
    )

    parts: tuple[str, ...]
    sizes: tuple[Together, ...]

    @classmethod
    def of(cls, trials: pl.DataFrame, baseline: str, parts: Sequence[str], combined: str) -> Combination:
        """``trials`` of all sizes, smallest first, at equal FLOPs; ``combined``: the variant that has all ``parts``."""
        found = [
            check_additivity(own, baseline, parts, combined, size=str(size))
            for (size,), own in trials.group_by(["size"], maintain_order=True)
            if len(parts) > 1 and {baseline, combined, *parts} <= finished_variants(own)
        ]
        sizes = tuple(
            Together(size=one.size, predicted=one.predicted, measured=one.measured, state=one.state) for one in found
        )
        finding = cls(parts=tuple(parts), sizes=sizes)
        return finding.drawn_from(found) if found else finding

    def draw(self, found: Sequence[Additivity]) -> Figure:
        """Single effects, their sum and the combination as measured, a panel a size."""
        height = 1.9 + 0.36 * (len(self.parts) + 2)
        figure, axes = canvas(1, len(found), width=max(6.2, 2.2 + 2.9 * len(found)), height=height, sharey=True)
        for ax, one in zip(axes, found, strict=True):
            rows = [(one.parts[name], MUTED, "o") for name in self.parts]
            rows += [(one.predicted, PALETTE[0], "s"), (one.measured, PALETTE[1], "D")]
            for y, ((low, middle, high), colour, marker) in enumerate(rows):
                ax.plot([low, high], [y, y], color=colour, lw=2.4, solid_capstyle="butt")
                ax.plot(middle, y, marker=marker, ms=8, color=colour, ls="")
            ax.axvspan(one.predicted[0], one.predicted[2], color=PALETTE[0], alpha=0.1, lw=0)
            ax.axvline(0, color=INK, lw=1)
            ax.axhline(len(self.parts) - 0.5, color=MUTED, lw=0.8, ls=":")
            ax.grid(axis="y", visible=False)
            ax.xaxis.set_major_locator(MaxNLocator(4))
            ax.set_title(f"{one.size}: {_STATES[one.state]}", loc="left", fontsize=10.5, color=MUTED)
        labels = [wrapped(name) for name in self.parts] + ["sum (predicted)", "together (measured)"]
        axes[0].set_yticks(range(len(labels)), labels, color=INK)
        axes[0].set_ylim(len(labels) - 0.4, -0.6)
        figure.supxlabel("difference to the baseline at the same seed (bits per byte), 95 % interval", fontsize=10)
        return figure
