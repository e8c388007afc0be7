"""Which of many fields matter to a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure

from studylib.findings._figures.style import BAR, PALETTE, canvas
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import Words


class Share(Frozen):
    """Of a field in getting among the best points, percent, with its 90 % interval."""

    field: str
    share: Interval


class Importance(Finding):
    """``shares`` from the greatest to the least."""

    name = "importance"
    title = Words(
        en="""
            {% set first = shares[0] %}
            {% if shares[1:] | selectattr('share.1', 'ge', first.share[0]) | list %}Which field matters most is not sure; {{ first.field }} leads
            {%- else %}{{ first.field }} matters most{% endif %}: {{ first.share | fixed(0) }} %""",
        ja="""
            {% set first = shares[0] %}
            {% if shares[1:] | selectattr('share.1', 'ge', first.share[0]) | list %}どの項目が最も効くかは確かでない。首位は {{ first.field }}
            {% else %}最も効くのは {{ first.field }}{% endif %}、{{ first.share | fixed(0) }} %""",
    )
    alt = Words(
        en="""Share of each field in getting among the best quarter of points (PED-ANOVA), percent:
            {% for one in shares %}{{ one.field }} {{ one.share | fixed(0) }}{{ '.' if loop.last else '; ' }}{% endfor %}""",
        ja="""上位 4 分の 1 に入ることへの各項目の寄与(PED-ANOVA、%):
            {% for one in shares %}{{ one.field }} {{ one.share | fixed(0) }}{{ '。' if loop.last else '、' }}{% endfor %}""",
    )

    shares: tuple[Share, ...]

    @classmethod
    def of(cls, shares: Mapping[str, tuple[float, float, float]]) -> Importance | None:
        """``shares`` from ``search.importance``, by dotted field; None without any."""
        if not shares:
            return None
        found = tuple(
            Share(field=name.rpartition(".")[2], share=tuple(100 * end for end in ends))
            for name, ends in shares.items()
        )
        return cls(shares=found).drawn_from(found)

    def draw(self, shares: Sequence[Share]) -> Figure:
        figure, (ax,) = canvas(width=7.2, height=1.4 + 0.45 * len(shares))
        frame = pl.DataFrame([{"field": one.field, "share": one.share[1]} for one in shares]).to_pandas()
        sns.barplot(frame, y="field", x="share", color=BAR, ax=ax, width=0.65)
        for place, one in enumerate(shares):
            low, middle, high = one.share
            ax.errorbar(middle, place, xerr=[[middle - low], [high - middle]], fmt="o", color=PALETTE[0], capsize=4)
        ax.grid(axis="y", visible=False)
        ax.set(xlabel="share in getting among the best points (%), 90 % bootstrap interval", ylabel="", xlim=(0, 100))
        return figure
