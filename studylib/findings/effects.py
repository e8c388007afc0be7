"""What single choices are worth at one size, against a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from studylib.analysis import NoiseFloor
from studylib.errors import invalid
from studylib.findings._differences import Difference, differences, frame, mark
from studylib.findings._figures.style import INK, canvas
from studylib.findings._finding import Finding
from studylib.words import Words

# A choice this many times as bad as most others is shown at the edge with its number, so that the rest can be read.
_EDGE = 4.0


class Effects(Finding):
    """``effects`` from the best to the worst; ``detectable``: bits per byte, found in 4 of 5 studies with these seeds."""

    name = "effects"
    title = Words(
        en="""
            {% set better = effects | selectattr('sure') | selectattr('difference.1', 'lt', 0) | list %}
            {% set worse = effects | selectattr('sure') | selectattr('difference.1', 'gt', 0) | list %}
            At {{ size }}, {{ better | length }} of {{ effects | length }} {{ 'choice' | plural(effects | length) }} {{ 'beats' if better | length == 1 else 'beat' }} the baseline beyond chance and {{ worse | length }}
            {{ 'falls' if worse | length == 1 else 'fall' }} behind
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
        found = cls(size=str(table["size"][0]), effects=differences(table), detectable=noise.mde)
        return found.drawn_from(table, factors, baseline)

    def draw(self, table: pl.DataFrame, factors: Mapping[str, Sequence[str]], baseline: str) -> Figure:
        """A row a variant, grouped by factor; a label ``factor: name`` is shortened to its name."""
        known = {row["variant"]: row for row in table.drop_nulls("difference").iter_rows(named=True)}
        lines: list[tuple[str, dict | None]] = []
        for factor, names in factors.items():
            own = sorted((known[name] for name in names if name in known), key=lambda row: row["difference"])
            if own:
                lines += [(factor, None), *((row["variant"].removeprefix(f"{factor}: "), row) for row in own)]
        if not lines:
            raise invalid("factors", list(factors), "has no effect to draw", choices=known)
        figure, (ax,) = canvas(width=7.4, height=1.9 + 0.3 * len(lines))
        rows = [row for _, row in lines if row]
        edge = max(_EDGE * float(np.quantile(np.abs([row["difference"] for row in rows]), 0.7)), 3 * self.detectable)
        reach = min(edge, max(abs(row[end] or 0) for row in rows for end in ("low", "difference", "high")))
        ax.set_xlim(-1.12 * reach, 1.12 * reach)
        for y, (_, row) in enumerate(lines):
            if row is None:
                continue
            if abs(row["difference"]) <= 1.08 * reach:
                mark(ax, y, row)
                continue
            side = 1 if row["difference"] > 0 else -1
            mark(ax, y, row, at=side * 1.08 * reach)
            ax.annotate(
                f"{row['difference']:+.2f}", (side * 1.08 * reach, y), (-side * 9, 0), textcoords="offset points", va="center",
                ha="right" if side > 0 else "left", fontsize=9, color=INK,
            )  # fmt: skip
        ax.set_yticks(range(len(lines)), [name for name, _ in lines], color=INK)
        for label, (_, row) in zip(ax.get_yticklabels(), lines, strict=True):
            if row is None:
                label.set_fontweight("bold")
        ax.set_ylim(len(lines) - 0.4, -0.6)
        frame(figure, ax, baseline, self.detectable)
        return figure
