"""Dropout against how often the same text is seen."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from studylib.findings._figures.style import INK, canvas, look, ticks
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import Words


class Dropped(Frozen):
    """``difference`` to no dropout at so many epochs, bits per byte; ``sure``: beyond chance."""

    epochs: int
    share: float
    difference: Interval
    sure: bool


class Dropout(Finding):
    """``tried`` by rising number of epochs, at each from the best share to the worst; one epoch is fresh text."""

    name = "dropout"
    title = Words(
        en="""
            {% set helps = tried | selectattr('sure') | selectattr('difference.1', 'lt', 0) | list %}
            {% set fresh = tried | selectattr('epochs', 'eq', 1) | list %}
            {% if helps %}Dropout {{ helps[0].share | num }} helps from {{ helps[0].epochs }} {{ 'epoch' | plural(helps[0].epochs) }} on
            ({{ helps[0].difference[1] | signed(3) }} bits per byte)
            {%- else %}No gain from dropout is seen at up to {{ tried[-1].epochs }} {{ 'epoch' | plural(tried[-1].epochs) }}{% endif %}
            {%- if fresh and not fresh[0].sure %}; on fresh text {{ fresh[0].share | num }} cannot be told
            {%- elif fresh and fresh[0].difference[1] > 0 %}; on fresh text even {{ fresh[0].share | num }} costs
            {{ fresh[0].difference[1] | fixed(3) }}{% endif %}""",
        ja="""
            {% set helps = tried | selectattr('sure') | selectattr('difference.1', 'lt', 0) | list %}
            {% set fresh = tried | selectattr('epochs', 'eq', 1) | list %}
            {% if helps %}dropout {{ helps[0].share | num }} は {{ helps[0].epochs }} エポック以上で効く
            ({{ helps[0].difference[1] | signed(3) }} bits/byte)
            {%- else %}{{ tried[-1].epochs }} エポックまで dropout の効果は見えない{% endif %}
            {%- if fresh and not fresh[0].sure %}。新しい文章では {{ fresh[0].share | num }} は区別できない
            {%- elif fresh and fresh[0].difference[1] > 0 %}。新しい文章では {{ fresh[0].share | num }} でも
            {{- ' ' }}{{ fresh[0].difference[1] | fixed(3) }} の損{% endif %}""",
    )
    alt = Words(
        en="""Loss with dropout above that without, by number of epochs, bits per byte, paired 95 % intervals:
            {% for one in tried %}
            {{ one.share | num }} at {{ one.epochs }} {{ one.difference | signed(3) }}{{ ', beyond chance' if one.sure else '' }}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""エポック数ごとの、dropout ありとなしの損失差(bits/byte、対応のある 95 % 区間):
            {% for one in tried %}
            {{ one.epochs }} エポックで {{ one.share | num }} は {{ one.difference | signed(3) }}{{ '、有意' if one.sure else '' }}
            {{- '。' if loop.last else ';' }}
            {% endfor %}""",
    )

    tried: tuple[Dropped, ...]

    @classmethod
    def of(cls, table: pl.DataFrame) -> Dropout | None:
        """``table``: ``epochs, dropout, difference, low, high, significant``; None where no pair of trials finished."""
        if table.is_empty():
            return None
        return cls(
            tried=tuple(
                Dropped(
                    epochs=int(row["epochs"]), share=row["dropout"], sure=row["significant"],
                    difference=(row["low"], row["difference"], row["high"]),
                )
                for row in table.sort("epochs", "difference").iter_rows(named=True)
            )
        ).drawn_from(table)  # fmt: skip

    def draw(self, table: pl.DataFrame) -> Figure:
        """A line a share."""
        figure, (ax,) = canvas(width=7.2, height=3.8)
        ax.axhline(0, color=INK, lw=1)
        shares = sorted(table["dropout"].unique())
        for index, share in enumerate(shares):
            own, style = table.filter(pl.col("dropout") == share).sort("epochs"), look(index)
            error = np.stack(
                [(own["difference"] - own["low"]).to_numpy(), (own["high"] - own["difference"]).to_numpy()]
            )
            x = own["epochs"].to_numpy() * 2 ** (0.06 * (index - (len(shares) - 1) / 2))  # beside each other, not over
            ax.errorbar(x, own["difference"], error, capsize=4, ms=8, label=f"dropout {share:g}", **style)
        ax.set_xscale("log", base=2)
        ticks(ax.xaxis, sorted(table["epochs"].unique()))
        ax.set(
            xlabel="times that the same text is seen, at equal tokens",
            ylabel="loss above no dropout\n(bits per byte), lower is better",
        )
        figure.legend(
            loc="outside lower center", ncols=3, fontsize=9, title="mean, paired 95 % interval", title_fontsize=9
        )
        return figure
