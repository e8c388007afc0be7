"""Training speed, measured alone or as the trials ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis.speed import speed_ratio
from studylib.findings._figures.throughput import throughput
from studylib.findings._finding import Finding
from studylib.findings._quiet import REMARK, mark, not_quiet
from studylib.frozen import Frozen
from studylib.result import Text
from studylib.words import Words


class Rate(Frozen):
    """Median training speed of a variant; ``times``: that of the reference, by turns (low, middle, high; 95 %) where they were timed."""

    variant: str
    tokens_per_s: float
    times: float | tuple[float, float, float]


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
        cls, trials: pl.DataFrame, windows: Mapping[str, Sequence[float]], subject: Text, reference: str = "",
        others: float | None = None,
    ) -> Speed | None:  # fmt: skip
        """``windows``: tokens/s by ``size/variant``, from ``trials.speed_windows``; without any, the speeds of the trials themselves are
        taken. ``others``: from ``trials.others_meanwhile``.

        ``trials`` are of one size; without a ``reference`` the slowest is it. None where no speed is known.
        """
        size, known = str(trials["size"][0]), trials.select("variant", "tokens_per_s")
        if windows:
            names = trials["variant"].cast(pl.String).unique(maintain_order=True)
            rows = [(name, rate) for name in names for rate in windows[f"{size}/{name}"]]
            known = pl.DataFrame(rows, schema={"variant": pl.String, "tokens_per_s": pl.Float64}, orient="row")
        known = known.drop_nulls()
        medians = dict(known.group_by("variant", maintain_order=True).agg(pl.col("tokens_per_s").median()).iter_rows())
        if not medians:
            return None
        reference = reference or min(medians, key=medians.__getitem__)
        times = {name: speed_ratio(windows, f"{size}/{name}", f"{size}/{reference}") for name in medians}
        times[reference] = 1.0
        rates = [
            Rate(variant=name, tokens_per_s=rate, times=times[name] or rate / medians[reference])
            for name, rate in sorted(medians.items(), key=lambda one: -one[1])
        ]
        return cls(
            subject=subject, size=size, reference=reference, alone=bool(windows), remark=not_quiet(others),
            rates=tuple(rates),
        ).drawn_from(known)  # fmt: skip

    def draw(self, known: pl.DataFrame) -> Figure:
        points = "windows in turn" if self.alone else "trials"
        return mark(throughput(known, "tokens_per_s", "tokens per second", points), self.remark)
