"""The learning rate for the target."""

from __future__ import annotations

from collections.abc import Mapping

from studylib.analysis import CarriedOptimum, Valley
from studylib.findings._finding import Finding, Range
from studylib.findings._law import Law
from studylib.result import Text
from studylib.words import Words


class RateAtTarget(Finding):
    """The ``law`` over sizes, or the ``reason`` why there is none; beside it the best rate of the largest model that has one.

    ``stays``: the rate was seen to stay where it is over widths.
    """

    name = "rate-at-target"
    words = Words(
        en="""
            {% if law is not none %}Under {{ init }}, by {{ sizes | listed }}, the best learning rate {{ law.told }}
            {% else %}Under {{ init }}, by {{ sizes | listed }}, no learning rate is carried to the target
            {%- if reason is not none %}: {{ reason }}{% endif %}.
            {% endif %}
            {% if best is not none %}At {{ size }} the best is {{ best | num }}
            {%- if interval is not none %}, within {{ interval | num }}{% endif %}; over widths it
            {{ ' ' }}{{ 'stays where it is' if stays else 'is not known to stay' }}.{% endif %}""",
        ja="""
            {% if law is not none %}{{ sizes | listed }} から見て、{{ init }} での最適学習率は{{ law.told }}
            {% else %}{{ sizes | listed }} から見て、{{ init }} での学習率は目標へ外挿できません{% if reason is not none %}:{{ reason }}{% endif %}。
            {% endif %}
            {% if best is not none %}{{ size }} での最適値は {{ best | num }}
            {%- if interval is not none %}(区間 {{ interval | num }}){% endif %}、幅に対しては
            {{- '動きません' if stays else '動かないとは言えません' }}。{% endif %}""",
    )

    init: str
    law: Law | None
    reason: Text | None
    sizes: tuple[str, ...]
    size: str
    best: float | None
    interval: Range | None
    stays: bool

    @classmethod
    def of(
        cls,
        init: str,
        carried: CarriedOptimum | None,
        reason: Text | None,
        fits: Mapping[str, Valley],
        *,
        stays: bool,
    ) -> RateAtTarget | None:
        """``fits`` by size, smallest first, under the parametrisation ``init``; None without any."""
        if not fits:
            return None
        known = [(size, fit) for size, fit in fits.items() if fit.optimum is not None]
        size, best = known[-1] if known else (list(fits)[-1], None)
        return cls(
            init=init, law=Law.of(carried), reason=reason, sizes=tuple(fits), size=size, stays=stays,
            best=None if best is None else best.optimum, interval=None if best is None else best.interval,
        )  # fmt: skip
