"""Who leads, by what is held equal, and how sure that is at this size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from studylib.analysis.decision import AHEAD
from studylib.findings._figures.style import HATCHES, INK, PALETTE, canvas, wrapped
from studylib.findings._finding import Finding
from studylib.frozen import Fraction, Frozen
from studylib.numbers import percent
from studylib.result import Text, Verdict
from studylib.words import ACCOUNTINGS, Words

_MOST = 8  # variants drawn


class Leader(Frozen):
    """Of one accounting; no ``leader``: the trials say nothing about it."""

    basis: str
    leader: str | None
    p: Fraction
    ahead: bool


class Leaders(Finding):
    name = "p-best"
    title = Words(
        en="""
            {% set known = leaders | selectattr('leader') | list %}{% set names = known | map(attribute='leader') | unique | list %}
            {% if not names %}No accounting has a verdict at {{ size }}
            {% else %}
            {% if names | length == 1 %}{{ names[0] }} leads whatever is held equal
            {%- else %}Which {{ subject }} leads depends on what is held equal: {{ names | listed }}{% endif %};
            {{ known | selectattr('ahead') | list | length }} of {{ leaders | length }} are sure, at {{ size }}
            {% endif %}""",
        ja="""
            {% set known = leaders | selectattr('leader') | list %}{% set names = known | map(attribute='leader') | unique | list %}
            {% if not names %}{{ size }} ではどの基準でも結論なし
            {% else %}
            {% if names | length == 1 %}どの基準でも {{ names[0] }} が首位
            {%- else %}首位の{{ subject }}は基準により異なる:{{ names | listed }}{% endif %}。
            {{ size }} で確実なのは {{ known | selectattr('ahead') | list | length }}/{{ leaders | length }}
            {% endif %}""",
    )
    alt = Words(
        en="""Probability that each {{ subject }} is best.
            {% for one in leaders %}
            {{ one.basis | accounting }}: {% if one.leader is none %}no verdict{% else %}{{ one.leader }} {{ one.p | percent }}
            {%- endif %}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""各{{ subject }}が最良である確率。
            {% for one in leaders %}
            {{ one.basis | accounting }}:{% if one.leader is none %}結論なし{% else %}{{ one.leader }} {{ one.p | percent }}
            {%- endif %}{{ '。' if loop.last else '、' }}
            {% endfor %}""",
    )

    subject: Text
    size: str
    leaders: tuple[Leader, ...]

    @classmethod
    def of(cls, verdicts: Sequence[Verdict], size: str, subject: Text) -> Leaders:
        """``subject``: what the variants are, in the singular (shape, 形状)."""
        leaders = tuple(
            Leader(basis=one.basis, leader=one.winner, p=one.p_best[one.winner] if one.winner else 0.0, ahead=one.ahead)
            for one in verdicts
        )
        found = cls(subject=subject, size=size, leaders=leaders)
        return found.drawn_from(verdicts) if any(one.leader for one in leaders) else found

    def draw(self, verdicts: Sequence[Verdict]) -> Figure:
        """A group of bars a variant, a bar an accounting; one without a verdict is in the legend only."""
        known = [verdict for verdict in verdicts if verdict.p_best]
        most = {name: max(one.p_best.get(name, 0.0) for one in known) for one in known for name in one.p_best}
        names = sorted(most, key=lambda name: -most[name])
        shown, left_out = names[:_MOST], len(names[_MOST:])
        figure, (ax,) = canvas(width=7.2, height=1.5 + len(shown) * (0.14 + 0.2 * len(known)))
        height = 0.8 / len(known)
        for index, verdict in enumerate(known):
            where = np.arange(len(shown)) + (index - (len(known) - 1) / 2) * height
            values = [verdict.p_best.get(name) for name in shown]  # none: not in that race
            ax.barh(
                where, [value or 0.0 for value in values], height * 0.86, color=PALETTE[index], hatch=HATCHES[index],
                edgecolor="white", lw=0.4, label=ACCOUNTINGS[verdict.basis].en,
            )  # fmt: skip
            for y, value in zip(where, values, strict=True):
                label = "–" if value is None else percent(value)
                ax.annotate(
                    label, (value or 0.0, y), (4, 0), textcoords="offset points", va="center", fontsize=9, zorder=3,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
                )  # fmt: skip  # a number on the line at 90 % is read, not the line
        for verdict in verdicts:
            if not verdict.p_best:
                ax.plot([], [], ls="", label=f"{ACCOUNTINGS[verdict.basis].en}: no verdict")
        ax.axvline(AHEAD, color=INK, lw=1, ls="--", label=f"ahead from {AHEAD:.0%}")
        ax.set_yticks(range(len(shown)), [wrapped(name) for name in shown], color=INK)
        ax.invert_yaxis()
        ax.set_xlim(0, 1.08)
        ax.grid(axis="y", visible=False)
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}" if value <= 1 else "")
        more = f"   ({left_out} less likely not shown)" if left_out else ""
        ax.set_xlabel(f"probability of being the best variant{more}")
        figure.legend(loc="outside lower center", ncols=4, fontsize=9)
        return figure
