"""Every variant at a rate of its own, all from the same budget of tries."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.findings._finding import Finding
from studylib.findings.learning_rate import rate_lines
from studylib.frozen import Frozen
from studylib.result import Text
from studylib.words import Words


class OwnRate(Frozen):
    """The best of the rates tried; ``at_edge``: it is the least or the greatest of them."""

    variant: str
    rate: float
    at_edge: bool


class OwnRates(Finding):
    name = "own-rates"
    title = Words(
        en="""{% set rates = tried | map(attribute='rate') | unique | sort | list %}
            {% if rates | length == 1 %}All {{ tried | length }} {{ subject }}s do best at one rate, {{ rates[0] | num }}
            {% else %}{{ tried | length }} {{ subject | plural(tried | length) }} do best at {{ rates | length }} different rates, {{ rates[0] | num }} to {{ rates[-1] | num }}{% endif %}""",
        ja="""{% set rates = tried | map(attribute='rate') | unique | sort | list %}
            {% if rates | length == 1 %}{{ tried | length }} {{ subject }}すべてで同じ学習率 {{ rates[0] | num }} が最良
            {% else %}{{ tried | length }} {{ subject }}の最良学習率は {{ rates[0] | num }}〜{{ rates[-1] | num }} の {{ rates | length }} 通り{% endif %}""",
    )
    alt = Words(
        en="""Loss against learning rate, a line a {{ subject }}. Best rate:
            {% for one in tried %}{{ one.variant }} {{ one.rate | num }}{{ '.' if loop.last else ', ' }}{% endfor %}""",
        ja="""学習率に対する損失。{{ subject }}ごとに 1 本の線。最良の学習率:
            {%- for one in tried %}{{ one.variant }} {{ one.rate | num }}{{ '。' if loop.last else '、' }}{% endfor %}""",
    )
    words = Words(
        en="""{% set edge = tried | selectattr('at_edge') | map(attribute='variant') | list %}
            Every {{ subject }} was tried at the same rates on one seed, and is judged by other seeds at the rate that was best for it:
            {% for one in tried %}{{ one.variant }} {{ one.rate | num }}{{ '' if loop.last else ', ' }}{% endfor %}.
            {% if edge %}The best rate of {{ edge | listed }} lies at the edge of those tried, so another may do better.{% endif %}""",
        ja="""{% set edge = tried | selectattr('at_edge') | map(attribute='variant') | list %}
            どの{{ subject }}も同じ学習率の候補を 1 シードで試し、最良だった学習率を別のシードで評価しました:
            {%- for one in tried %}{{ one.variant }} {{ one.rate | num }}{{ '' if loop.last else '、' }}{% endfor %}。
            {% if edge %}{{ edge | listed }} の最良値は候補の端にあり、さらに良くなる可能性があります。{% endif %}""",
    )

    subject: Text
    tried: tuple[OwnRate, ...]

    @classmethod
    def of(cls, trials: pl.DataFrame, subject: Text) -> OwnRates | None:
        """None where a single rate was tried.

        Parameters
        ----------
        trials
            On the seed that chooses, a row a variant and rate: ``variant``, ``rate``, ``lr_factor``, ``status``, ``val_bpb``.
        subject
            What the variants are, in the singular (mixture, 混合).
        """
        done = trials.filter((pl.col("status") == "done") & pl.col("val_bpb").is_finite().fill_null(False))
        if done["rate"].n_unique() < 2:
            return None
        ends = (done["rate"].min(), done["rate"].max())
        best = done.sort("val_bpb", maintain_order=True).unique("variant", keep="first", maintain_order=True)
        order = {name: place for place, name in enumerate(done["variant"].unique(maintain_order=True))}
        tried = [
            OwnRate(variant=name, rate=rate, at_edge=rate in ends)
            for name, rate in best.select("variant", "rate").rows()
        ]
        return cls(subject=subject, tried=tuple(sorted(tried, key=lambda one: order[one.variant]))).drawn_from(done)

    def draw(self, trials: pl.DataFrame) -> Figure:
        """Loss against the rate as a multiple of the usual one, a line a variant."""
        return rate_lines(trials, self.subject.en)
