"""The answer to a question about variants: which to use at the target, and how sure that is."""

from __future__ import annotations

from studylib.analysis import AtTarget
from studylib.findings._finding import Finding
from studylib.frozen import Fraction
from studylib.words import Words


class TargetVerdict(Finding):
    """``regret_percent`` of the loss, by using the ``leader``; ``rivals`` may still be better, the likeliest first."""

    name = "verdict"
    words = Words(
        en="""
            {% if decided %}Use {{ leader }} for {{ target | short }} parameters.
            {% elif p >= 0.5 %}Use {{ leader }} for {{ target | short }} parameters, as long as nothing better is known
            {%- if rivals %}; {{ rivals | listed(3) }} may still be better{% endif %}.
            {% else %}For {{ target | short }} parameters it is undecided; leading so far: {{ leader }}, {{ p | percent }}
            {%- if rivals %}, before {{ rivals | listed(3) }}{% endif %}.
            {% endif %}
            It is best there with {{ p | percent }} probability and gives away {{ regret_percent | num }} % of the loss on average, by
            {{ sizes | length }} {{ 'size' | plural(sizes | length) }} up to {{ sizes[-1] }}, {{ times | num }} times smaller.""",
        ja="""
            {% if decided %}{{ target | short }} パラメータでは {{ leader }} を採用してください。
            {% elif p >= 0.5 %}{{ target | short }} パラメータでは、より良い証拠が得られるまで {{ leader }} を採用してください
            {%- if rivals %}({{ (rivals | listed(3) ~ ' ') | replace('件 ', '件') }}が上回る可能性が残ります){% endif %}。
            {% else %}{{ target | short }} パラメータでは未決で、現時点の首位は {{ leader }}({{ p | percent }})です
            {%- if rivals %}(対立候補:{{ rivals | listed(3) }}){% endif %}。
            {% endif %}
            {{ times | num }} 分の 1 の {{ sizes[-1] }} までの {{ sizes | length }} 規模から見て、そこで最良である確率は {{ p | percent }}、平均損失は
            {{ ' ' }}{{ regret_percent | num }} % です。""",
    )

    target: float
    leader: str
    p: Fraction
    regret_percent: float
    decided: bool
    rivals: tuple[str, ...]
    sizes: tuple[str, ...]
    times: float

    @classmethod
    def of(cls, at: AtTarget) -> TargetVerdict:
        return cls(
            target=at.target_params, leader=at.leader, p=at.p_leader, regret_percent=at.regret, decided=at.decided,
            rivals=at.rivals, sizes=tuple(at.sizes), times=at.factor,
        )  # fmt: skip
