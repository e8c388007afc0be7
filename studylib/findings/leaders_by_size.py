"""Who leads at each size, and whether the verdict changed as models grew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from studylib.analysis.by_size import Leading, by_size, leading_by_size
from studylib.analysis.decision import AHEAD
from studylib.findings._figures.style import INK, canvas, look, named_ticks
from studylib.findings._finding import Finding
from studylib.result import BySize, Change, SizeLeader, Text
from studylib.words import Words

_MOST = 7  # variants drawn


class LeadersBySize(Finding):
    """``sizes`` rising; ``change`` as of `BySize`."""

    name = "by-size"
    title = Words(
        en="""
            {% set first, last = sizes[0], sizes[-1] %}
            {% if change == 'kept' %}{{ first.leader }} leads at {{ first.size }} and at {{ last.size }}, and is sure at both
            {% elif change == 'unsure' %}{{ first.leader }} leads at {{ first.size }} and at {{ last.size }}, but is not sure at both
            {% elif change == 'noise' %}{{ first.leader }} leads at {{ first.size }}, {{ last.leader }} at {{ last.size }}: a change within the noise
            {% elif change == 'untried' %}{{ first.leader }} leads at {{ first.size }}, {{ last.leader }} at {{ last.size }}; not both were tried at both
            {% else %}{{ first.leader }} leads at {{ first.size }}, {{ last.leader }} at {{ last.size }}: the verdict changed with size
            {% endif %}""",
        ja="""
            {% set first, last = sizes[0], sizes[-1] %}
            {% if change == 'kept' %}{{ first.size }} でも {{ last.size }} でも {{ first.leader }} が首位で、どちらも確実
            {% elif change == 'unsure' %}{{ first.size }} でも {{ last.size }} でも {{ first.leader }} が首位だが、両方で確実とは言えない
            {% elif change == 'noise' %}首位は {{ first.size }} で {{ first.leader }}、{{ last.size }} で {{ last.leader }}:雑音の範囲内の変化
            {% elif change == 'untried' %}首位は {{ first.size }} で {{ first.leader }}、{{ last.size }} で {{ last.leader }}。両方の規模で試したのは一方だけ
            {% else %}首位は {{ first.size }} で {{ first.leader }}、{{ last.size }} で {{ last.leader }}:規模により結論が変わった
            {% endif %}""",
    )
    alt = Words(
        en="""Probability that each {{ subject }} is the best of those tried, by parameters without embeddings. Leaders:
            {% for one in sizes %}
            {{ one.size }} ({{ one.params | short }}) {{ one.leader }} {{ one.p_best | percent }}{% if one.ahead %}, sure{% endif %}
            {%- if one.rivals %}, may still be better: {{ one.rivals | listed(4) }}{% endif %}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""各{{ subject }}が試した中で最良である確率(埋め込みを除くパラメータ数別)。首位:
            {%- for one in sizes %}
            {{ one.size }}({{ one.params | short }}){{ one.leader }} {{ one.p_best | percent }}{% if one.ahead %}、確実{% endif %}
            {%- if one.rivals %}、より良い可能性が残る案:{{ one.rivals | listed(4) }}{% endif %}{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )

    subject: Text
    sizes: tuple[SizeLeader, ...]
    change: Change

    @classmethod
    def of(
        cls,
        trials: pl.DataFrame,
        subject: Text,
        *,
        label: str = "variant",
        errors: Mapping[str, np.ndarray] | None = None,
        looks: int = 1,
    ) -> LeadersBySize | None:
        """None with fewer than two sizes at which variants are compared; parameters as of ``leading_by_size``.

        ``subject``: what the variants are, in the singular (shape, 形状).
        """
        leading = leading_by_size(trials, label=label, errors=errors, looks=looks)
        found = by_size(leading)
        return (
            None if found is None else cls(subject=subject, sizes=found.sizes, change=found.change).drawn_from(leading)
        )

    def fields(self) -> dict[str, Any]:
        return {"by_size": BySize(sizes=self.sizes, change=self.change)}

    def draw(self, leading: Sequence[Leading]) -> Figure:
        """A line a variant: those that lead somewhere, then the likeliest."""
        known = [one.p_best for one in leading]
        leaders = dict.fromkeys(one.leader for one in self.sizes)
        names = sorted(
            {name for own in known for name in own}, key=lambda name: -max(own.get(name, 0.0) for own in known)
        )
        shown = [*leaders, *(name for name in names if name not in leaders)][:_MOST]
        figure, (ax,) = canvas(width=7.2, height=3.8)
        for index, name in enumerate(shown):
            places = [(one.params, own[name]) for one, own in zip(leading, known, strict=True) if name in own]
            ax.plot(*zip(*places, strict=True), **look(index), ms=7, label=name)
        ax.axhline(AHEAD, color=INK, lw=1, ls="--", label=f"ahead from {AHEAD:.0%}")
        ax.set_xscale("log")
        labels = {one.params: one.size for one in leading}
        named_ticks(ax.xaxis, labels)
        ax.margins(x=0.1)
        ax.set_ylim(-0.03, 1.05)
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        left_out = len(names) - len(shown)
        more = f"   ({left_out} less likely not shown)" if left_out > 0 else ""
        ax.set(xlabel=f"parameters without embeddings{more}", ylabel="probability of being the best")
        figure.legend(loc="outside lower center", ncols=3, fontsize=9)
        return figure
