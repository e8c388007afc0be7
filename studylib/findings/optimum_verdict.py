"""The answer to a question about an optimum: what to build, and how sure that is."""

from __future__ import annotations

from studylib.analysis import CarriedOptimum, Decision
from studylib.findings._finding import Finding
from studylib.frozen import Fraction
from studylib.result import Text
from studylib.words import Words


class OptimumVerdict(Finding):
    """``measured``: ``use`` is carried from the trials; otherwise it is what is usual, or None, and ``reason`` says why.

    ``regret_percent`` and ``margin_percent`` are of the loss; ``within``: probability that the regret is less than the margin.
    ``leader``: of the largest size at equal FLOPs, with ``p`` its probability of being the best of those tried.
    """

    name = "verdict"
    words = Words(
        en="""
            {% if measured and use is not none %}
            Build {{ use }} for {{ target | short }} parameters{{ '' if decided else ', as long as nothing better is known' }}.
            It is {{ 'decided' if decided else 'not decided' }}: that costs {{ regret_percent | num }} % of the loss on average, and less
            than {{ margin_percent | num }} % with {{ within | percent }} probability.
            {% else %}
            {% if use is not none %}For {{ target | short }} parameters keep to {{ use }}, as published models do.
            {% else %}Nothing is recommended for {{ target | short }} parameters yet.{% endif %}
            It is not decided here{% if reason is not none %}, because {{ reason }}{% endif %}; at {{ size }} and equal FLOPs
            {% if p >= 0.5 %}{{ leader }} is the best of those tried with {{ p | percent }} probability.
            {% else %}too it is undecided, leading so far: {{ leader }}, {{ p | percent }}.
            {% endif %}
            {% endif %}""",
        ja="""
            {% if measured and use is not none %}
            {{ target | short }} パラメータでは{{ '' if decided else '、より良い証拠が得られるまで' }}{{ use }}を採用してください。
            {{ '決定です' if decided else '未決です' }}:損失増は平均 {{ regret_percent | num }} %、{{ margin_percent | num }} % 未満である確率は {{ within | percent }} です。
            {% else %}
            {% if use is not none %}{{ target | short }} パラメータでは公表モデルと同じ {{ use }}としてください。
            {% else %}{{ target | short }} パラメータについて推奨できる値はまだありません。{% endif %}
            本研究では決まっていません{% if reason is not none %}({{ reason }}){% endif %}。
            {% if p >= 0.5 %}{{ size }}・同一 FLOPs で試した中では {{ leader }} が {{ p | percent }} の確率で最良です。
            {% else %}{{ size }}・同一 FLOPs でも未決で、現時点の首位は {{ leader }}({{ p | percent }})です。
            {% endif %}
            {% endif %}""",
    )

    target: float
    use: Text | None
    measured: bool
    decided: bool
    regret_percent: float
    margin_percent: float
    within: Fraction
    size: str
    leader: str
    p: Fraction
    reason: Text | None

    @classmethod
    def of(
        cls, decision: Decision, carried: CarriedOptimum | None, reason: Text | None, target: float, use: Text | None,
        value: float | None = None,
    ) -> OptimumVerdict:  # fmt: skip
        """``decision``: of the largest size, at equal FLOPs; ``value`` of what was swept that ``use`` has, default the best."""
        choice = carried.choose(value) if carried is not None else None
        return cls(
            target=target, use=use, measured=choice is not None, reason=reason,
            size=decision.at, leader=decision.leader, p=decision.p_best[decision.leader],
            decided=choice is not None and choice.decided, regret_percent=100 * choice.regret if choice else 0.0,
            within=choice.p_within if choice else 0.0, margin_percent=100 * carried.margin if carried else 0.0,
        )  # fmt: skip
