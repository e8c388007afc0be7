"""Whether gains add up: the best of each factor together against the sum of what each brought alone."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from studylib.analysis import Additivity, check_additivity, finished_variants
from studylib.findings._figures.style import INK, MUTED, canvas, wrapped
from studylib.findings._finding import Finding, Interval
from studylib.findings._sums import DRAWN, HeldAgainstSum, draw_rows
from studylib.words import Words


class Together(HeldAgainstSum):
    """At one size, against the baseline in bits per byte: ``predicted`` is the sum of the single effects."""

    predicted: Interval


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
            {{ one.told }} at {{ one.size }}{{ '.' if loop.last else '; ' }}
            {% endfor %}
            {% elif parts | length < 2 %}Nothing was combined: a choice below the baseline is needed in two factors and there is in
            {{ parts | length }}.
            {% else %}{{ parts | listed }} together finished at no size.{% endif %}""",
        ja="""{% if sizes %}
            {{ parts | listed }} の組み合わせ:
            {% for one in sizes %}
            {{ one.size }} では{{ one.told }}{{ '。' if loop.last else '、' }}
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
        figure, axes = canvas(1, len(found), width=2.2 + 2.9 * len(found), height=height, sharey=True)
        for ax, one in zip(axes, found, strict=True):
            draw_rows(ax, [one.parts[name] for name in self.parts], one.predicted, [one.measured])
            ax.xaxis.set_major_locator(MaxNLocator(4))
            ax.set_title(f"{one.size}: {DRAWN[one.state]}", loc="left", fontsize=10.5, color=MUTED)
        labels = [wrapped(name) for name in self.parts] + ["sum (predicted)", "together (measured)"]
        axes[0].set_yticks(range(len(labels)), labels, color=INK)
        axes[0].set_ylim(len(labels) - 0.4, -0.6)
        figure.supxlabel("difference to the baseline at the same seed (bits per byte), 95 % interval", fontsize=10)
        return figure
