"""What becomes of effects with size, and at the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from matplotlib.figure import Figure

from studylib.analysis import AtTarget
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Fraction, Frozen
from studylib.report.figures.effects import effect_slopes
from studylib.words import Words


class OverSizes(Frozen):
    """Of one variant, percent of the baseline's loss: as measured at the smallest and the largest size, and at the target.

    ``at_target`` is not there where its interval is too wide to be of use.
    """

    variant: str
    first: Interval
    last: Interval
    at_target: Interval | None
    p_better: Fraction
    trend: Literal["holds", "shrinks", "grows", "flips", "unclear", "one size"]


class Slopes(Finding):
    name = "slopes"
    title = Words(
        en="""{% if sizes | length < 2 %}Effects are known at {{ sizes[0] }} alone{% else %}
            From {{ sizes[0] }} to {{ sizes[-1] }} parameters, of {{ effects | length }} effects
            {% for trend, own in effects | groupby('trend') %}
            {{ own | length }} {{ {'holds': 'hold', 'shrinks': 'shrink', 'grows': 'grow', 'flips': 'flip', 'unclear': 'are unclear',
            'one size': 'are known at one size'}[trend] }}{{ '' if loop.last else ', ' }}
            {%- endfor %}{% endif %}""",
        ja="""{% if sizes | length < 2 %}効果は {{ sizes[0] }} だけで測られている{% else %}
            {{ sizes[0] }} から {{ sizes[-1] }} で {{ effects | length }} 案の効果は
            {% for trend, own in effects | groupby('trend') %}{{ {'holds': '維持', 'shrinks': '縮小', 'grows': '拡大', 'flips': '逆転', 'unclear': '不明',
            'one size': '単一規模のみ'}[trend] }} {{ own | length }}{{ '' if loop.last else '、' }}
            {%- endfor %}{% endif %}""",
    )
    alt = Words(
        en="""Effect of each choice in percent of the baseline's loss against model size, a panel a factor; bands are what all sizes
            together say. From the smallest to the largest size as measured, and at {{ target | short }} parameters where that is
            supported:
            {% for one in effects %}
            {{ one.variant }} {{ {'holds': 'holds', 'shrinks': 'shrinks', 'grows': 'grows', 'flips': 'flips', 'unclear': 'is unclear',
            'one size': 'is known at one size'}[one.trend] }}, {{ one.first | signed(2) }} → {{ one.last | signed(2) }} %
            {%- if one.at_target is not none %}, at the target {{ one.at_target | signed(2) }} %{% endif %},
            better there with {{ one.p_better | percent }} probability{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""モデル規模に対する各案の効果(基準の損失に対する %)。因子ごとに 1 枠、帯は全規模をまとめた推定。最小から最大の規模への実測値と、
            支持される場合は {{ target | short }} パラメータでの値:
            {% for one in effects %}
            {{ one.variant }} {{ {'holds': '維持', 'shrinks': '縮小', 'grows': '拡大', 'flips': '逆転', 'unclear': '不明',
            'one size': '単一規模のみ'}[one.trend] }}、{{ one.first | signed(2) }} → {{ one.last | signed(2) }} %
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
        return effect_slopes(at, factors)
