"""What a token of the target language is worth beside others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from matplotlib.figure import Figure

from studylib.analysis import TokensSaved
from studylib.findings._figures.style import INK, MUTED, PALETTE, canvas, wrapped
from studylib.findings._finding import Finding
from studylib.frozen import Frozen
from studylib.numbers import short
from studylib.words import Words

_VERDICTS = {1: "saves", 0: "open", -1: "wastes"}


class Worth(Frozen):
    """Tokens of the target that an order ``spent``, and of how many of the target alone each does the work; None: no end."""

    variant: str
    spent: float
    low: float | None
    middle: float | None
    high: float | None
    verdict: Literal["saves", "open", "wastes"]


class Transfer(Finding):
    """``orders`` from the highest worth to the lowest; ``whole``: tokens of the target that a run on it alone reads."""

    name = "saved"
    title = Words(
        en="""
            {% macro end(value) %}{{ 'no end' if value is none else value | fixed(2) }}{% endmacro %}
            {% set fewer = orders | selectattr('spent', 'lt', 0.999 * whole) | list %}{% set best = (fewer or orders)[0] %}
            {{ best.variant }}: one token of {{ target }} does the work of {{ end(best.middle) }} ({{ end(best.low) }} to {{ end(best.high) }};
            {{ {'saves': 'tokens are saved', 'open': 'not told apart from one', 'wastes': 'tokens are wasted'}[best.verdict] }})""",
        ja="""
            {% macro end(value) %}{{ '上限なし' if value is none else value | fixed(2) }}{% endmacro %}
            {% set fewer = orders | selectattr('spent', 'lt', 0.999 * whole) | list %}{% set best = (fewer or orders)[0] %}
            {{ best.variant }}:{{ target }} の 1 トークンが {{ end(best.middle) }} トークン分({{ end(best.low) }}〜{{ end(best.high) }}、
            {{- {'saves': '節約', 'open': '差は検出できず', 'wastes': '浪費'}[best.verdict] }})に相当""",
    )
    alt = Words(
        en="""
            {% macro end(value) %}{{ 'no end' if value is none else value | fixed(2) }}{% endmacro %}
            Tokens of {{ target }} that each order spent ({{ target }} alone: {{ whole | short }}), and those that {{ target }} alone
            needs for the same loss, times those spent:
            {% for one in orders %}
            {{ one.variant }} spent {{ one.spent | short }}, {{ end(one.middle) }} ({{ end(one.low) }} to {{ end(one.high) }};
            {{ {'saves': 'saved', 'open': 'not told apart', 'wastes': 'wasted'}[one.verdict] }}){{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""
            {% macro end(value) %}{{ '上限なし' if value is none else value | fixed(2) }}{% endmacro %}
            各順序が使った {{ target }} トークン数({{ target }} のみでは {{ whole | short }})と、{{ target }} のみで同じ損失に必要なトークン数(使用数の倍数):
            {% for one in orders %}
            {{ one.variant }} は {{ one.spent | short }} を使用、{{ end(one.middle) }}({{ end(one.low) }}〜{{ end(one.high) }}、
            {{- {'saves': '節約', 'open': '差は検出できず', 'wastes': '浪費'}[one.verdict] }}){{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )

    target: str
    whole: float
    orders: tuple[Worth, ...]

    @classmethod
    def of(cls, saved: Sequence[TokensSaved], target: str, whole: float) -> Transfer | None:
        """``target``: label of the source; None where there is nothing to read off the ladder."""
        if not saved:
            return None
        found = []
        for one in sorted(saved, key=lambda one: -one.factor[1]):
            low, middle, high = (end if math.isfinite(end) else None for end in one.factor)
            verdict = _VERDICTS[one.sure]
            found.append(
                Worth(variant=one.variant, spent=one.spent, low=low, middle=middle, high=high, verdict=verdict)
            )
        return cls(target=target, whole=whole, orders=tuple(found)).drawn_from(saved)

    def draw(self, saved: Sequence[TokensSaved]) -> Figure:
        """A row an order: target tokens spent, and those the plain run needs for the same loss with their interval."""
        rows = sorted(saved, key=lambda one: one.saved[1])
        figure, (ax,) = canvas(width=7.2, height=1.9 + 0.42 * len(rows))
        finite = [value for one in rows for value in (*one.needed, one.spent) if 0 < value < math.inf]
        most, least = 1.15 * max(finite), min(finite) / 1.15
        for place, one in enumerate(rows):
            low, middle, high = (min(max(value, least), most) for value in one.needed)
            colour = MUTED if not one.sure else PALETTE[2] if one.sure > 0 else PALETTE[1]
            marker = "o" if not one.sure else ">" if one.sure > 0 else "<"
            ax.plot([low, high], [place] * 2, color=colour, lw=2.2, solid_capstyle="butt")
            for value, end in ((one.needed[0], low), (one.needed[2], high)):
                if not 0 < value < math.inf:  # the interval has no end on this side
                    ax.plot(end, place, marker=">" if end == high else "<", color=colour, ms=6)
            ax.plot(middle, place, marker=marker, ms=8, color=colour, mfc=colour if one.sure else "white", ls="")
            ax.plot(one.spent, place, marker="|", ms=16, mew=2.4, color=INK, ls="")
        ax.set_yticks(range(len(rows)), [wrapped(one.variant) for one in rows], color=INK)
        ax.set_ylim(-0.6, len(rows) - 0.4)
        ax.set_xlim(least, most * 1.02)
        ax.grid(axis="y", visible=False)
        ax.xaxis.set_major_formatter(lambda value, _: short(value))
        ax.set_xlabel(f"tokens that {self.target} alone needs for the same loss, 95 % interval")
        ax.plot([], [], "|", color=INK, ms=12, mew=2.4, label="tokens spent")
        ax.plot([], [], ">", color=PALETTE[2], ms=8, label="saves tokens")
        ax.plot([], [], "<", color=PALETTE[1], ms=8, label="wastes tokens")
        ax.plot([], [], "o", color=MUTED, mfc="white", ms=8, label="not told apart")
        figure.legend(loc="outside lower center", ncols=4, fontsize=9)
        return figure
