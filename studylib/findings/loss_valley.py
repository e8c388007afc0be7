"""Where the loss is lowest along what is swept, at every size, and how flat it is there."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis import Valleys
from studylib.findings._finding import Finding, Range
from studylib.frozen import Frozen
from studylib.report.figures.quantity import Quantity
from studylib.report.figures.valley import valley
from studylib.result import Text
from studylib.words import Words

_MISSES = 0.01  # p value below which the curve does not describe the means


class Bottom(Frozen):
    """The valley of one size; ``margin`` in bits per byte."""

    size: str
    optimum: float | None
    interval: Range | None
    flat: Range | None
    margin: float
    fitted: bool


class LossValley(Finding):
    """``basis``: what was held equal; ``left_out``: sizes without a valley."""

    name = "valley"
    title = Words(
        en="""
            {%- set last = bottoms[-1] -%}
            At {{ last.size }} and {{ basis | accounting }} {% if last.optimum is none %}the best {{ quantity }} is not bracketed
            {%- else %}the best {{ quantity }} is {{ last.optimum | num }}{% endif %};
            {% if last.flat is none %}none is known to be as good{% else %}{{ last.flat | num }} costs less than 0.2 % more{% endif %}""",
        ja="""
            {%- set last = bottoms[-1] -%}
            {{ last.size }}({{ basis | accounting }})では{% if last.optimum is none %}最適{{ quantity }}が範囲内に定まらない
            {%- else %}{{ quantity }} {{ last.optimum | num }} が最良{% endif %}、
            {% if last.flat is none %}同等と言える範囲はまだない{% else %}{{ last.flat | num }} は差 0.2 % 未満{% endif %}""",
    )
    alt = Words(
        en="""
            Validation bits per byte against {{ quantity }}, one panel a size.
            {% for one in bottoms %}
            {{ one.size }}: {% if one.interval is none %}no optimum inside the range{% else %}optimum {{ one.interval | num }}{% endif %},
            flat {{ 'nowhere known' if one.flat is none else one.flat | num }}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""
            {{ quantity }}に対する検証 bits/byte。規模ごとに 1 枠。
            {% for one in bottoms %}
            {{ one.size }}:{% if one.interval is none %}範囲内に最適点なし{% else %}最適点 {{ one.interval | num }}{% endif %}、
            平坦域 {{ '不明' if one.flat is none else one.flat | num }}{{ '。' if loop.last else ';' }}
            {% endfor %}""",
    )
    words = Words(
        en="""
            {%- set last = bottoms[-1] -%}
            {% if last.flat is none %}
            At {{ last.size }} no {{ quantity }} is known to cost less than {{ last.margin | fixed }} bits per byte more than the best.
            {% else %}
            At {{ last.size }} each {{ quantity }} from {{ last.flat | num }} costs less than {{ last.margin | fixed }} bits per byte
            more than the best, with 95 % probability.
            {% endif %}
            {% set missed = bottoms | rejectattr('fitted') | map(attribute='size') | list %}
            {% if missed %}
            The fitted valley misses the means at {{ missed | listed }} (p < 0.01); its intervals are widened by what it misses.
            {% endif %}
            {% if left_out %}Too few values finished for a valley at {{ left_out | listed }}.{% endif %}""",
        ja="""
            {%- set last = bottoms[-1] -%}
            {% if last.flat is none %}
            {{ last.size }} では、最良との差が {{ last.margin | fixed }} bits/byte 未満と言える{{ quantity }}はまだありません。
            {% else %}
            {{ last.size }} では、{{ quantity }} {{ last.flat | num }} はいずれも 95 % の確率で最良との差が {{ last.margin | fixed }} bits/byte 未満です。
            {% endif %}
            {% set missed = bottoms | rejectattr('fitted') | map(attribute='size') | list %}
            {% if missed %}
            {{ missed | listed }} では谷の曲線が平均値に合いません(p < 0.01)。区間はその分だけ広げてあります。
            {% endif %}
            {% if left_out %}{{ left_out | listed }} では完了した値が足りず、谷が求まりません。{% endif %}""",
    )

    quantity: Text
    basis: str
    bottoms: tuple[Bottom, ...]
    left_out: tuple[str, ...]

    @classmethod
    def of(cls, trials: pl.DataFrame, valleys: Valleys, quantity: Quantity, basis: str = "flops") -> LossValley:
        """``valleys``: the joint fit to ``trials``."""
        bottoms = tuple(
            Bottom(
                size=fit.budget, optimum=fit.optimum, interval=fit.interval, flat=fit.flat, margin=fit.margin,
                fitted=fit.lack_of_fit >= _MISSES,
            )
            for fit in valleys.budgets
        )  # fmt: skip
        return cls(quantity=quantity.name, basis=basis, bottoms=bottoms, left_out=tuple(valleys.left_out)).drawn_from(
            trials, valleys, quantity
        )

    def draw(self, trials: pl.DataFrame, valleys: Valleys, quantity: Quantity) -> Figure:
        return valley(trials, valleys.budgets, aspect=valleys.quantity, quantity=quantity)
