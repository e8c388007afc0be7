"""Who leads, by what is held equal, and how sure that is at this size."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from studylib.findings._finding import Finding
from studylib.frozen import Fraction, Frozen
from studylib.report.figures.bars import p_best
from studylib.result import Text, Verdict
from studylib.words import Words


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
            {% if names | length == 1 %}{{ names[0] }} is most probable whatever is held equal
            {%- else %}Which {{ subject }} is most probable depends on what is held equal: {{ names | listed }}{% endif %};
            {{ known | selectattr('ahead') | list | length }} of {{ leaders | length }} are sure, at {{ size }}
            {% endif %}""",
        ja="""
            {% set known = leaders | selectattr('leader') | list %}{% set names = known | map(attribute='leader') | unique | list %}
            {% if not names %}{{ size }} ではどの基準でも結論なし
            {% else %}
            {% if names | length == 1 %}どの基準でも {{ names[0] }} が最も有力
            {%- else %}最も有力な{{ subject }}は基準により異なる:{{ names | listed }}{% endif %}。
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
        return p_best(verdicts)
