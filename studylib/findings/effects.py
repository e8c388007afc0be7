"""What single choices are worth at one size, against a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis import NoiseFloor
from studylib.findings._finding import Finding
from studylib.findings.comparison import Difference
from studylib.report.figures.effects import effects
from studylib.words import Words


class Effects(Finding):
    """``effects`` from the best to the worst; ``detectable``: bits per byte, found in 4 of 5 studies with these seeds."""

    name = "effects"
    title = Words(
        en="""
            {% set better = effects | selectattr('sure') | selectattr('difference.1', 'lt', 0) | list %}
            {% set worse = effects | selectattr('sure') | selectattr('difference.1', 'gt', 0) | list %}
            At {{ size }}, {{ better | length }} of {{ effects | length }} choices beat the baseline beyond chance and {{ worse | length }}
            fall behind
            {%- if better %}; {{ better[0].variant }} leads by {{ (-better[0].difference[1]) | fixed }} bits per byte
            {%- elif worse %}, most {{ worse[-1].variant }} ({{ worse[-1].difference[1] | signed }} bits per byte){% endif %}""",
        ja="""
            {% set better = effects | selectattr('sure') | selectattr('difference.1', 'lt', 0) | list %}
            {% set worse = effects | selectattr('sure') | selectattr('difference.1', 'gt', 0) | list %}
            {{ size }} では {{ effects | length }} 案中 {{ better | length }} 案が基準に有意に勝り、{{ worse | length }} 案が劣る
            {%- if better %}。首位 {{ better[0].variant }} は {{ (-better[0].difference[1]) | fixed }} bits/byte の改善
            {%- elif worse %}。最も劣るのは {{ worse[-1].variant }}({{ worse[-1].difference[1] | signed }} bits/byte){% endif %}""",
    )
    alt = Words(
        en="""Bits per byte above the baseline at the same seed, with 95 % intervals (detectable: {{ detectable | fixed }}):
            {% for one in effects %}{{ one.variant }} {{ one.difference | signed }}{{ '.' if loop.last else '; ' }}{% endfor %}""",
        ja="""同じシードでの基準との差(bits/byte、95 % 区間、検出可能差 {{ detectable | fixed }}):
            {% for one in effects %}{{ one.variant }} {{ one.difference | signed }}{{ '。' if loop.last else '、' }}{% endfor %}""",
    )

    size: str
    effects: tuple[Difference, ...]
    detectable: float

    @classmethod
    def of(
        cls,
        table: pl.DataFrame,
        factors: Mapping[str, Sequence[str]],
        noise: NoiseFloor,
        baseline: str = "the baseline",
    ) -> Effects:
        """``table``: one size of ``analysis.effects_by_size``; ``factors``: the variants of each, for the figure."""
        rows = table.filter(pl.col("low").is_not_null()).sort("difference")
        return cls(
            size=str(table["size"][0]), detectable=noise.mde,
            effects=tuple(
                Difference(variant=row["variant"], difference=(row["low"], row["difference"], row["high"]), sure=row["significant"])
                for row in rows.iter_rows(named=True)
            ),
        ).drawn_from(table, factors, baseline)  # fmt: skip

    def draw(self, table: pl.DataFrame, factors: Mapping[str, Sequence[str]], baseline: str) -> Figure:
        return effects(table, factors, baseline, noise=self.detectable)
