"""What an optimizer saves over AdamW, at its default rate and tuned."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis import AtTarget, relative_gains
from studylib.analysis.at_target import Trend
from studylib.findings._figures.style import INK, canvas, look, wrapped
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import Words

_LABELS = ("AdamW at its default rate", "AdamW, tuned")


class Gain(Frozen):
    """Percent of the loss saved at one size, positive is better; tuned AdamW itself has no ``over_tuned``."""

    variant: str
    size: str
    over_default: Interval
    over_tuned: Interval | None
    trend: Trend


class Gains(Finding):
    """``gains`` by size, smallest first; ``trend``: what becomes of it with size."""

    name = "gains"
    title = Words(
        en="""
            {% set rivals = gains | rejectattr('over_tuned', 'none') | selectattr('size', 'eq', gains[-1].size) | list %}
            {% if not rivals %}Tuned, AdamW saves {{ gains[-1].over_default[1] | fixed(1) }} % over its default rate at {{ gains[-1].size }}; no other was compared
            {% else %}
            {% set best = rivals | sort(attribute='over_default.1') | last %}
            At {{ best.size }} {{ best.variant }} saves {{ best.over_default[1] | fixed(1) }} % over default AdamW
            {%- if best.over_tuned[0] <= 0 <= best.over_tuned[2] %}; from tuned AdamW it cannot be told
            {%- else %}, {{ best.over_tuned[1] | fixed(1) }} % over tuned AdamW
            {{- {'shrinks': '; it shrinks with size', 'grows': '; it grows with size', 'flips': '; it flips with size',
            'differs': '; it differs between sizes', 'one size': ''}
            .get(best.trend, '; no trend with size is seen') }}
            {%- endif %}
            {% endif %}""",
        ja="""
            {% set rivals = gains | rejectattr('over_tuned', 'none') | selectattr('size', 'eq', gains[-1].size) | list %}
            {% if not rivals %}調整した AdamW の改善は{{ gains[-1].size }} で既定の学習率に対し {{ gains[-1].over_default[1] | fixed(1) }} %、ほかとの比較はない
            {% else %}
            {% set best = rivals | sort(attribute='over_default.1') | last %}
            {{ best.size }} で {{ best.variant }} の改善は未調整 AdamW 比 {{ best.over_default[1] | fixed(1) }} %、
            {%- if best.over_tuned[0] <= 0 <= best.over_tuned[2] %}調整済み AdamW とは区別できない
            {%- else %}調整済み AdamW 比 {{ best.over_tuned[1] | fixed(1) }} %
            {{- {'shrinks': '。規模とともに縮む', 'grows': '。規模とともに伸びる', 'flips': '。規模とともに逆転する',
            'differs': '。規模により異なる', 'one size': ''}
            .get(best.trend, '。規模による差は判別できない') }}
            {%- endif %}
            {% endif %}""",
    )
    alt = Words(
        en="""Loss saved by each optimizer in percent, paired 95 % intervals:
            {% for one in gains %}
            {{ one.variant }} at {{ one.size }} {{ one.over_default | signed(1) }} over default AdamW
            {%- if one.over_tuned is not none %}, {{ one.over_tuned | signed(1) }} over tuned AdamW{% endif %}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""各オプティマイザの損失改善(%、対応のある 95 % 区間):
            {% for one in gains %}
            {{ one.size }} の {{ one.variant }} は未調整 AdamW 比 {{ one.over_default | signed(1) }}
            {%- if one.over_tuned is not none %}、調整済み AdamW 比 {{ one.over_tuned | signed(1) }}{% endif %}
            {{- '。' if loop.last else ';' }}
            {% endfor %}""",
    )
    words = Words(
        en="""
            {% set last = gains | rejectattr('over_tuned', 'none') | selectattr('size', 'eq', gains[-1].size) | list %}
            {% if last %}
            Saved over tuned AdamW at {{ gains[-1].size }}, percent of the loss:
            {% for one in last %}
            {{ one.variant }} {{ one.over_tuned | signed(1) }}, which {{ {'holds': 'holds with size', 'shrinks': 'shrinks with size',
            'grows': 'grows with size', 'flips': 'flips with size', 'differs': 'differs between sizes',
            'unclear': 'is unclear over sizes', 'one size': 'is known at one size'}
            [one.trend] }}{{ '.' if loop.last else '; ' }}
            {% endfor %}
            {% endif %}""",
        ja="""
            {% set last = gains | rejectattr('over_tuned', 'none') | selectattr('size', 'eq', gains[-1].size) | list %}
            {% if last %}
            {{ gains[-1].size }} での調整済み AdamW に対する改善(損失の %):
            {% for one in last %}
            {{ one.variant }} {{ one.over_tuned | signed(1) }}、規模に対し{{ one.trend | trend }}{{ '。' if loop.last else ';' }}
            {% endfor %}
            {% endif %}""",
    )

    gains: tuple[Gain, ...]

    @classmethod
    def of(cls, trials: pl.DataFrame, at: AtTarget, default: str, tuned: str = "adamw") -> Gains:
        """``trials`` of all sizes, among them the variants ``default`` and ``tuned``: AdamW as torch has it, and tuned."""
        tables = [
            relative_gains(trials, base)
            .filter(pl.col("variant") != default)
            .with_columns(pl.lit(label).alias("against"))
            for base, label in zip((default, tuned), _LABELS, strict=True)
        ]
        over_default, over_tuned = (
            {(row["variant"], row["size"]): (row["low"], row["gain"], row["high"]) for row in one.iter_rows(named=True)}
            for one in tables
        )
        trends = {one.variant: one.trend for one in at.effects}
        return cls(
            gains=tuple(
                Gain(
                    variant=name, size=size, over_default=gain, over_tuned=over_tuned.get((name, size)),
                    trend=trends.get(name, "one size"),
                )
                for (name, size), gain in over_default.items()
            )
        ).drawn_from(pl.concat(tables))  # fmt: skip

    def draw(self, table: pl.DataFrame) -> Figure:
        """By what is held against, a panel a size, three in a row; ``table``: ``variant, size, against, gain, low, high``."""
        sizes = table["size"].unique(maintain_order=True).to_list()
        columns = min(3, len(sizes))
        rows = -(-len(sizes) // columns)
        height = 0.8 + rows * (1.1 + 0.55 * table["variant"].n_unique())
        figure, axes = canvas(rows, columns, width=max(6.6, 3.6 * columns), height=height, sharex=True, sharey=True)
        names = table["variant"].unique(maintain_order=True).to_list()
        sides = table["against"].unique(maintain_order=True).to_list()
        for ax in axes[len(sizes) :]:
            ax.set_visible(False)
        for ax, size in zip(axes[: len(sizes)], sizes, strict=True):
            ax.axvline(0, color=INK, lw=1)
            ax.tick_params(labelbottom=True)
            for index, against in enumerate(sides):
                style = look(index)
                own = table.filter((pl.col("size") == size) & (pl.col("against") == against))
                for row in own.iter_rows(named=True):
                    y = names.index(row["variant"]) + (index - (len(sides) - 1) / 2) * 0.3
                    ax.plot([row["low"], row["high"]], [y, y], color=style["color"], lw=2.2, ls=style["linestyle"])
                    ax.plot(row["gain"], y, marker=style["marker"], color=style["color"], ms=8)
            ax.set_yticks(range(len(names)), [wrapped(name) for name in names], color=INK)
            ax.set_ylim(len(names) - 0.4, -0.6)
            ax.grid(axis="y", visible=False)
            ax.set_xlabel(f"loss saved at {size} parameters (%)")  # the place for titles is the Japanese line's
        for index, against in enumerate(sides):
            style = look(index)
            axes[0].plot(
                [], [], marker=style["marker"], ls=style["linestyle"], color=style["color"], label=f"over {against}"
            )
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)
        return figure
