"""Training speed, measured alone."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.findings._finding import Finding
from studylib.frozen import Frozen
from studylib.report.figures.bars import throughput
from studylib.result import Text
from studylib.words import Words


class Rate(Frozen):
    """Median training speed of a variant; ``times``: that of the reference."""

    variant: str
    tokens_per_s: float
    times: float


class Speed(Finding):
    """``rates`` from the fastest to the slowest."""

    name = "speed"
    title = Words(
        en="""
            {% if rates[0].variant == reference %}
            At {{ size }}, {{ rates[-1].variant }} trains at {{ rates[-1].times | fixed(2) }} times the speed of {{ reference }}, the fastest
            {% else %}
            At {{ size }}, {{ rates[0].variant }} trains at {{ rates[0].times | fixed(2) }} times the speed of {{ reference }}
            {%- if rates[-1].variant != reference %} and {{ rates[-1].variant }} at {{ rates[-1].times | fixed(2) }}{% endif %}
            {% endif %}""",
        ja="""
            {% if rates[0].variant == reference %}
            {{ size }} での学習速度は {{ rates[-1].variant }} が最速の {{ reference }} の {{ rates[-1].times | fixed(2) }} 倍
            {% else %}
            {{ size }} での学習速度は {{ reference }} に対し {{ rates[0].variant }} が {{ rates[0].times | fixed(2) }} 倍
            {%- if rates[-1].variant != reference %}、{{ rates[-1].variant }} が {{ rates[-1].times | fixed(2) }} 倍{% endif %}
            {% endif %}""",
    )
    alt = Words(
        en="""Training tokens per second of each {{ subject }}, measured alone:
            {% for one in rates %}{{ one.variant }} {{ one.tokens_per_s | num }}{{ '.' if loop.last else ', ' }}{% endfor %}""",
        ja="""単独で測った各{{ subject }}の学習速度(トークン/秒):
            {% for one in rates %}{{ one.variant }} {{ one.tokens_per_s | num }}{{ '。' if loop.last else '、' }}{% endfor %}""",
    )

    subject: Text
    size: str
    reference: str
    rates: tuple[Rate, ...]

    @classmethod
    def of(cls, trials: pl.DataFrame, subject: Text, reference: str = "") -> Speed:
        """``trials`` of one size, from ``analysis.measured_speeds``; without a ``reference`` the slowest is it."""
        found = trials.group_by("variant", maintain_order=True).agg(pl.col("tokens_per_s").median()).drop_nulls()
        rows = found.sort("tokens_per_s", descending=True).rows()
        reference = reference or rows[-1][0]
        base = dict(rows)[reference]
        return cls(
            subject=subject, size=str(trials["size"][0]), reference=reference,
            rates=tuple(Rate(variant=name, tokens_per_s=rate, times=rate / base) for name, rate in rows),
        ).drawn_from(trials)  # fmt: skip

    def draw(self, trials: pl.DataFrame) -> Figure:
        return throughput(trials)
