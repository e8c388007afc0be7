"""Variants held against a baseline, seed by seed."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis import compare_to_baseline
from studylib.findings._differences import Difference, differences, frame, mark
from studylib.findings._figures.style import INK, canvas, wrapped
from studylib.findings._finding import Finding
from studylib.result import Text
from studylib.words import Words


class Comparison(Finding):
    """``differences`` from the best to the worst; ``detectable``: the difference that these seeds find in 4 of 5 studies."""

    name = "comparison"
    title = Words(
        en="""
            {% set sure = differences | selectattr('sure') | list %}
            {% if not sure %}
            No variant differs significantly from {{ baseline }} (detectable: {{ detectable | fixed }} bits per byte)
            {% else %}
            {{ sure | length }} of {{ differences | length }} {{ 'differs' if sure | length == 1 else 'differ' }} significantly from {{ baseline }}
            {%- if sure | length == 1 %}: {% else %}, from {% endif %}
            {{ sure[0].variant }} ({{ sure[0].difference[1] | signed }} bits per byte)
            {%- if sure | length > 1 %} to {{ sure[-1].variant }} ({{ sure[-1].difference[1] | signed }}){% endif %}
            {% endif %}""",
        ja="""
            {% set sure = differences | selectattr('sure') | list %}
            {% if not sure %}
            {{ baseline }} と有意に異なる案はない(検出可能差 {{ detectable | fixed }} bits/byte)
            {% else %}
            {{ differences | length }} 案中 {{ sure | length }} 案が {{ baseline }} と有意に異なる:{{ sure[0].variant }}
            ({{ sure[0].difference[1] | signed }} bits/byte){% if sure | length > 1 %}から {{ sure[-1].variant }}
            ({{ sure[-1].difference[1] | signed }})まで{% endif %}
            {% endif %}""",
    )
    alt = Words(
        en="""{{ subject }}: bits per byte above {{ baseline }} at the same seed, with 95 % intervals:
            {% for one in differences %}{{ one.variant }} {{ one.difference | signed }}{{ '.' if loop.last else '; ' }}{% endfor %}""",
        ja="""{{ subject }}:同じシードでの {{ baseline }} との差(bits/byte、95 % 区間):
            {% for one in differences %}{{ one.variant }} {{ one.difference | signed }}{{ '。' if loop.last else '、' }}{% endfor %}""",
    )

    subject: Text
    baseline: str
    differences: tuple[Difference, ...]
    detectable: float

    @classmethod
    def of(cls, trials: pl.DataFrame, baseline: str, subject: Text) -> Comparison | None:
        """``subject``: what is compared (heads, ヘッド数). None where nothing was compared."""
        if trials["variant"].n_unique() < 2:
            return None
        return cls.of_table(compare_to_baseline(trials, baseline), baseline, subject)

    @classmethod
    def of_table(cls, table: pl.DataFrame, baseline: str, subject: Text) -> Comparison | None:
        """``table``: rows of ``analysis.compare_to_baseline``; None where no difference is known."""
        table = table.filter(pl.col("low").is_not_null())
        if table.is_empty():
            return None
        found = cls(subject=subject, baseline=baseline, differences=differences(table), detectable=table["mde"].max())
        return found.drawn_from(table)

    def draw(self, table: pl.DataFrame) -> Figure:
        """A row a variant, the best on top, each with the band of its own noise."""
        rows = table.sort("difference", descending=True).to_dicts()
        names = [wrapped(f"{row['variant']}  (n={row['pairs']})") for row in rows]
        lines = max(name.count("\n") + 1 for name in names)
        figure, (ax,) = canvas(width=7.2, height=2.0 + max(0.42, 0.22 * lines) * len(rows))
        for y, row in enumerate(rows):
            mark(ax, y, row)
        ax.set_yticks(range(len(rows)), names, color=INK)
        ax.set_ylim(-0.6, len(rows) - 0.4)
        frame(figure, ax, self.baseline, [row["mde"] for row in rows])
        return figure
