"""What tuning gains in answers, against what it loses of the text that the model was pre-trained on."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis import tuning_costs
from studylib.findings._figures.labels import label_points
from studylib.findings._figures.style import INK, MUTED, canvas, look
from studylib.findings._finding import Finding, Interval, interval
from studylib.frozen import Fraction, Frozen
from studylib.words import Words


class Cost(Frozen):
    """Mean ``loss`` of held-out answers and what is ``forgotten``, each with 95 % over seeds, bits per byte. ``front``: no other variant
    has less of both; ``p``: probability of that, given the noise."""

    family: str
    variant: str
    loss: Interval
    forgotten: Interval
    front: bool
    p: Fraction


class TuningCost(Finding):
    """``costs`` from the lowest loss of answers."""

    name = "tuning-cost"
    title = Words(
        en="""
            {% set front = costs | selectattr('front') | list %}{% set least = costs | sort(attribute='forgotten.1') | first %}
            Best answers ({{ costs[0].variant }}, {{ costs[0].loss[1] | fixed(3) }} bits per byte) cost {{ costs[0].forgotten[1] | signed(3) }} of {{ text }};
            least is forgotten by {{ least.variant }} ({{ least.forgotten[1] | signed(3) }}); {{ front | length }} of {{ costs | length }} are on the front""",
        ja="""
            {% set front = costs | selectattr('front') | list %}{% set least = costs | sort(attribute='forgotten.1') | first %}
            最良の回答({{ costs[0].variant }}、{{ costs[0].loss[1] | fixed(3) }} bits/byte)は {{ text }} の {{ costs[0].forgotten[1] | signed(3) }} と引き換え。
            忘却が最小なのは {{ least.variant }}({{ least.forgotten[1] | signed(3) }})。パレート前線は {{ costs | length }} 中 {{ front | length }}""",
    )
    alt = Words(
        en="""Bits per byte of held-out answers against what is forgotten of {{ text }}:
            {% for one in costs %}
            {{ one.variant }} ({{ one.family }}) {{ one.loss | fixed }}, forgotten {{ one.forgotten | signed }}
            {%- if one.front %}, on the front{% endif %}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""未学習の回答の損失(bits/byte)と {{ text }} の忘却:
            {%- for one in costs %}
            {{ one.variant }}({{ one.family }}){{ one.loss | fixed }}、忘却 {{ one.forgotten | signed }}
            {%- if one.front %}、前線上{% endif %}{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""Probability that no other has better answers and forgets less of {{ text }}, given the noise of the seeds:
            {% for one in costs %}{{ one.variant }} {{ one.p | percent }}{{ '.' if loop.last else ', ' }}{% endfor %}""",
        ja="""回答でも {{ text }} の忘却でも他に劣らない確率(シードのノイズを考慮):
            {%- for one in costs %}{{ one.variant }} {{ one.p | percent }}{{ '。' if loop.last else '、' }}{% endfor %}""",
    )

    text: str
    costs: tuple[Cost, ...]

    @classmethod
    def of(cls, trials: pl.DataFrame, text: str, metric: str = "val_bpb") -> TuningCost | None:
        """None where fewer than two variants finished, or none with two seeds: there is no noise to judge by.

        Parameters
        ----------
        trials
            A row a trial, of one size: ``family`` (a marker each), ``variant``, ``seed``, ``status``, ``metric`` (bits per byte of held-out
            answers), ``forgotten`` (bits per byte of the pre-training text above those of the model before tuning; negative: it
            got better).
        text
            Label of that text.
        """
        table = tuning_costs(trials, metric)
        if len(table) < 2:
            return None
        costs = tuple(
            Cost(
                family=row["family"], variant=row["variant"], loss=interval(row, "loss"),
                forgotten=interval(row, "forgotten"), front=row["front"], p=row["p_front"],
            )
            for row in table.iter_rows(named=True)
        )  # fmt: skip
        return cls(text=text, costs=costs).drawn_from()

    def draw(self) -> Figure:
        """A point a variant, a marker a family; a stair joins those on the front."""
        figure, (ax,) = canvas(width=7.2, height=5.0)
        families = list(dict.fromkeys(one.family for one in self.costs))
        front = sorted((one.forgotten[1], one.loss[1]) for one in self.costs if one.front)
        ax.step(
            *zip(*front, strict=True),
            where="post",
            color=MUTED,
            lw=1.4,
            ls="--",
            zorder=1,
            label="front: no other has less of both",
        )
        for one in self.costs:
            style, (x_low, x, x_high), (y_low, y, y_high) = look(families.index(one.family)), one.forgotten, one.loss
            ax.plot([x_low, x_high], [y, y], color=style["color"], lw=0.9, alpha=0.45)
            ax.plot([x, x], [y_low, y_high], color=style["color"], lw=0.9, alpha=0.45)
            ax.plot(
                x,
                y,
                marker=style["marker"],
                color=style["color"],
                mfc=style["color"] if one.front else "white",
                ms=8,
                ls="",
                zorder=3,
            )
        for index, family in enumerate(families):
            ax.plot([], [], marker=look(index)["marker"], color=look(index)["color"], ms=8, ls="", label=family)
        ax.axvline(0, color=INK, lw=1)
        ax.margins(0.14)
        ax.set(
            xlabel=f"forgotten of {self.text} (bits per byte above the model before tuning)\n← kept      lost →",
            ylabel="loss of held-out answers\n(bits per byte), lower is better",
        )
        title = "filled: on the front; lines: 95 % over seeds"
        figure.legend(loc="outside lower center", ncols=3, fontsize=9, title=title, title_fontsize=9)
        first = sorted(self.costs, key=lambda one: not one.front)
        label_points(ax, [(one.forgotten[1], one.loss[1]) for one in first], [one.variant for one in first])
        return figure
