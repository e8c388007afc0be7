"""The law of an optimum over sizes, as findings tell of it."""

from __future__ import annotations

from typing import Literal

from studylib.analysis import CarriedOptimum
from studylib.findings._finding import Interval
from studylib.frozen import Frozen
from studylib.result import Text
from studylib.words import Words

TOLD = Words(
    en="""goes
        {% for one in powers %}
        {{ ' ' }}with {{ {'params': 'parameters', 'tokens': 'training tokens'}[one.of] }} to the power {{ one.power | fixed(2) }}, carried to
        {{ one.times | num }} times the largest here{{ '' if loop.last else ' and' }}
        {%- endfor %}.
        There it is {{ optimum | num }}; {{ use | num }} costs {{ regret_percent | num }} % of the loss on average
        ({{ 'decided' if decided else 'open' }}).""",
    ja="""
        {% for one in powers %}
        {{ {'params': 'パラメータ数', 'tokens': '学習トークン数'}[one.of] }}の {{ one.power | fixed(2) }} 乗
        (本研究の最大の {{ one.times | num }} 倍への外挿){{ '' if loop.last else 'と' }}
        {%- endfor %}に従います。目標では {{ optimum | num }}、{{ use | num }} を選ぶ損失増は平均 {{ regret_percent | num }} % です
        ({{ '決定' if decided else '未決' }})。""",
)


class Power(Frozen):
    """``times``: how many times the largest trained the target is."""

    of: Literal["params", "tokens"]
    power: Interval
    times: float


class Law(Frozen):
    """``optimum`` at the target; ``use`` costs least there on average, ``regret_percent`` of the loss."""

    powers: tuple[Power, ...]
    optimum: Interval
    use: float
    regret_percent: float
    decided: bool

    @classmethod
    def of(cls, carried: CarriedOptimum | None) -> Law | None:
        if carried is None:
            return None
        choice = carried.choose()
        return cls(
            powers=tuple(Power(of=name, power=ends, times=carried.factor[name]) for name, ends in carried.exponents.items()),
            optimum=carried.optimum, use=choice.value, regret_percent=100 * choice.regret, decided=choice.decided,
        )  # fmt: skip

    @property
    def told(self) -> Text:
        """Goes on after the optimum's name."""
        return TOLD(**self._content())
