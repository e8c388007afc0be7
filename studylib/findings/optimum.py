"""The best value of what is swept, at every size and at the target."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from studylib.analysis import CarriedOptimum, Valley
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.report.figures.optimum import optimum_against_size
from studylib.report.figures.quantity import Quantity
from studylib.result import Text
from studylib.words import Words


class Best(Frozen):
    """Of one size."""

    size: str
    value: float | None


class Optimum(Finding):
    """``at_target`` (low, middle, high) is not there where ``reason`` says why nothing supports one.

    ``times``: how many times the largest size the target is.
    """

    name = "optimum"
    title = Words(
        en="""
            {% if at_target is none %}The best {{ quantity }} is not carried to {{ target | short }} parameters yet
            {% else %}Carried to {{ target | short }} parameters, {{ times | num }} times the largest size, the best {{ quantity }} is
            {{ at_target | num }}{% endif %}""",
        ja="""
            {% if at_target is none %}最適な{{ quantity }}はまだ {{ target | short }} パラメータへ外挿できない
            {% else %}{{ target | short }} パラメータ(最大規模の {{ times | num }} 倍)へ外挿した最適な{{ quantity }}は
            {{ ' ' }}{{ at_target | num }}{% endif %}""",
    )
    alt = Words(
        en="""Best {{ quantity }} against model size:
            {% for one in best %}{{ one.size }} {{ 'not inside the range tried' if one.value is none else one.value | num }}
            {{- '.' if loop.last else ', ' }}{% endfor %}""",
        ja="""モデル規模に対する最適な{{ quantity }}:
            {% for one in best %}{{ one.size }} {{ '範囲内になし' if one.value is none else one.value | num }}
            {{- '。' if loop.last else '、' }}{% endfor %}""",
    )
    words = Words(
        en="{% if reason is not none %}Nothing is carried to {{ target | short }} parameters: {{ reason }}.{% endif %}",
        ja="{% if reason is not none %}{{ target | short }} パラメータへの外挿はできません:{{ reason }}。{% endif %}",
    )

    quantity: Text
    target: float
    times: float
    best: tuple[Best, ...]
    at_target: Interval | None
    reason: Text | None

    @classmethod
    def of(
        cls,
        fits: Sequence[Valley],
        carried: CarriedOptimum | None,
        reason: Text | None,
        target: float,
        quantity: Quantity,
    ) -> Optimum:
        """``carried`` and ``reason`` from ``Valleys.carry``, ``target`` in parameters."""
        return cls(
            quantity=quantity.name, target=target, times=target / max(fit.params for fit in fits),
            best=tuple(Best(size=fit.budget, value=fit.optimum) for fit in fits),
            at_target=carried.optimum if carried is not None else None, reason=reason,
        ).drawn_from(fits, carried, quantity)  # fmt: skip

    def draw(self, fits: Sequence[Valley], carried: CarriedOptimum | None, quantity: Quantity) -> Figure:
        return optimum_against_size(fits, carried, target_params=self.target, quantity=quantity)
