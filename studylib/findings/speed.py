"""Training speed, measured alone or as the trials ran."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from matplotlib.figure import Figure

from studylib.findings._figures.throughput import throughput
from studylib.findings._finding import Finding
from studylib.findings._quiet import REMARK, mark, not_quiet
from studylib.frozen import Frozen
from studylib.result import Text
from studylib.words import Words


class Rate(Frozen):
    """Median training speed of a variant; ``times``: that of the reference."""

    variant: str
    tokens_per_s: float
    times: float


class Speed(Finding):
    """``rates`` from the fastest to the slowest; not ``alone``: those of the trials, beside whatever else ran; ``remark``: that the
    machine was not quiet."""

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
        en="""Training tokens per second of each {{ subject }}, {{ 'measured alone' if alone else 'of the trials themselves' }}:
            {% for one in rates %}{{ one.variant }} {{ one.tokens_per_s | num }}{{ '.' if loop.last else ', ' }}{% endfor %}""",
        ja="""{{ '単独で測った' if alone else '試行自体の' }}各{{ subject }}の学習速度(トークン/秒):
            {% for one in rates %}{{ one.variant }} {{ one.tokens_per_s | num }}{{ '。' if loop.last else '、' }}{% endfor %}""",
    )
    words = REMARK

    subject: Text
    size: str
    reference: str
    alone: bool
    remark: Text | None = None
    rates: tuple[Rate, ...]

    @classmethod
    def of(
        cls, trials: pl.DataFrame, throughput: Mapping[str, float] | None, subject: Text, reference: str = "",
        others: float | None = None,
    ) -> Speed | None:  # fmt: skip
        """``throughput``: tokens/s by ``size/variant``, from ``trials.median_speeds``; ``others``: from ``trials.others_meanwhile``.

        ``trials`` are of one size; without a ``reference`` the slowest is it. None where no speed is known.
        """
        if throughput is not None:
            keys = pl.concat_str("size", "variant", separator="/")
            trials = trials.unique("variant", maintain_order=True).with_columns(
                tokens_per_s=keys.replace_strict(throughput, return_dtype=pl.Float64)
            )
        found = trials.group_by("variant", maintain_order=True).agg(pl.col("tokens_per_s").median()).drop_nulls()
        rows = found.sort("tokens_per_s", descending=True).rows()
        if not rows:
            return None
        reference = reference or rows[-1][0]
        base = dict(rows)[reference]
        return cls(
            subject=subject, size=str(trials["size"][0]), reference=reference, alone=throughput is not None,
            remark=not_quiet(others),
            rates=tuple(Rate(variant=name, tokens_per_s=rate, times=rate / base) for name, rate in rows),
        ).drawn_from(trials)  # fmt: skip

    def draw(self, trials: pl.DataFrame) -> Figure:
        return mark(throughput(trials, "tokens_per_s", "training speed (tokens per second)"), self.remark)
