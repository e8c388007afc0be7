"""How many rows, read how often: where repeating them stops helping."""

from __future__ import annotations

from typing import Literal

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis import repeats_table
from studylib.findings._figures.spread import spread
from studylib.findings._figures.style import canvas, look, ticks
from studylib.findings._finding import Finding, Interval, interval
from studylib.frozen import Frozen
from studylib.words import Words

Effect = Literal["helps", "hurts", "within the noise"]


class Reading(Frozen):
    """So many ``rows``, each read ``epochs`` times: mean loss; difference to the next fewer epochs (``step``) and to as many other rows
    read once in all (``fresh``), at the same seed with 95 %; None: there is no such run."""

    rows: int
    epochs: int
    loss: float
    step: Interval | None
    effect: Effect
    fresh: Interval | None
    against_fresh: Effect


class Amount(Finding):
    """``readings`` by rising rows and epochs; bits per byte of held-out answers; ``detectable``: by these seeds in 4 of 5 studies."""

    name = "amount"
    title = Words(
        en="""
            {% set repeated = readings | selectattr('step', 'ne', none) | list %}
            {% if not repeated %}Repeating rows was not compared{% endif %}
            {% for rows, own in repeated | groupby('rows') %}
            {% set helped = own | selectattr('effect', 'eq', 'helps') | map(attribute='epochs') | list %}
            {% set hurt = own | selectattr('effect', 'eq', 'hurts') | map(attribute='epochs') | list %}
            {{ rows }} rows: {% if helped %}repeating helps up to {{ helped | max }} {{ 'time' | plural(helped | max) }}
            {%- else %}repeating is not shown to help{% endif %}
            {%- if hurt %} and hurts at {{ hurt | listed }}{% endif %}{{ '' if loop.last else '; ' }}
            {%- endfor %}""",
        ja="""
            {% set repeated = readings | selectattr('step', 'ne', none) | list %}
            {% if not repeated %}反復は比較されていない{% endif %}
            {% for rows, own in repeated | groupby('rows') %}
            {% set helped = own | selectattr('effect', 'eq', 'helps') | map(attribute='epochs') | list %}
            {% set hurt = own | selectattr('effect', 'eq', 'hurts') | map(attribute='epochs') | list %}
            {{ rows }} 件は{% if helped %} {{ helped | max }} 回までの反復が有効
            {%- else %}反復が有効と言えない{% endif %}
            {%- if hurt %}、{{ hurt | listed }} 回で有害{% endif %}{{ '' if loop.last else '。' }}
            {%- endfor %}""",
    )
    alt = Words(
        en="""Bits per byte of held-out answers by rows and times that each is read:
            {% for one in readings %}
            {{ one.rows }} rows, {{ one.epochs }} {{ "time" | plural(one.epochs) }} {{ one.loss | fixed }}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""行数と反復回数ごとの、未学習の回答の損失(bits/byte):
            {%- for one in readings %}
            {{ one.rows }} 件を {{ one.epochs }} 回 {{ one.loss | fixed }}{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""
            {% set repeated = readings | selectattr('step', 'ne', none) | list %}
            {% set replaced = readings | selectattr('fresh', 'ne', none) | list %}
            {% if repeated %}
            Read more often, bits per byte at the same seed:
            {% for one in repeated %}
            {{ one.rows }} rows {{ one.epochs }} {{ "time" | plural(one.epochs) }} {{ one.step | signed }}, {{ one.effect }}{{ '.' if loop.last else '; ' }}
            {% endfor %}
            {% endif %}
            {% if replaced %}
            Against as many other rows read once:
            {% for one in replaced %}
            {{ one.rows }} rows {{ one.epochs }} {{ "time" | plural(one.epochs) }} {{ one.fresh | signed }}, {{ one.against_fresh }}{{ '.' if loop.last else '; ' }}
            {% endfor %}
            {% endif %}
            Judged with Holm's correction; differences of {{ detectable | fixed }} are found in 4 of 5 studies.""",
        ja="""
            {% set repeated = readings | selectattr('step', 'ne', none) | list %}
            {% set replaced = readings | selectattr('fresh', 'ne', none) | list %}
            {% set said = {'helps': '有効', 'hurts': '有害', 'within the noise': 'ノイズの範囲内'} %}
            {% if repeated %}
            反復を増やした場合の同じシードでの差(bits/byte):
            {%- for one in repeated %}
            {{ one.rows }} 件を {{ one.epochs }} 回 {{ one.step | signed }}、{{ said[one.effect] }}{{ '。' if loop.last else ';' }}
            {%- endfor %}
            {% endif %}
            {% if replaced %}
            同数の別の行を 1 回ずつ読む場合との差:
            {%- for one in replaced %}
            {{ one.rows }} 件を {{ one.epochs }} 回 {{ one.fresh | signed }}、{{ said[one.against_fresh] }}{{ '。' if loop.last else ';' }}
            {%- endfor %}
            {% endif %}
            Holm 補正後の判定で、検出可能差は {{ detectable | fixed }} です。""",
    )

    detectable: float
    readings: tuple[Reading, ...]

    @classmethod
    def of(cls, trials: pl.DataFrame, metric: str = "val_bpb") -> Amount | None:
        """None where no number of rows was read at two numbers of epochs by two seeds.

        Parameters
        ----------
        trials
            A row a trial, of one size: ``rows`` (answers in the training text), ``epochs`` (times each is read), ``seed``, ``status``,
            ``metric`` (bits per byte of held-out answers).
        """
        if trials.is_empty():
            return None
        table = repeats_table(trials, metric)
        if table["step"].null_count() == len(table):
            return None
        readings = tuple(
            Reading(
                rows=row["rows"], epochs=row["epochs"], loss=row["loss"],
                step=interval(row, "step"), effect=_effect(row, "step"),
                fresh=interval(row, "fresh"), against_fresh=_effect(row, "fresh"),
            )
            for row in table.iter_rows(named=True)
        )  # fmt: skip
        return cls(detectable=table["mde"].max(), readings=readings).drawn_from(
            trials.with_columns(loss=pl.col(metric))
        )

    def draw(self, trials: pl.DataFrame) -> Figure:
        """A line a number of rows: loss against the times that they are read, a dot a seed."""
        done = trials.filter((pl.col("status") == "done") & pl.col("loss").is_finite().fill_null(False)).sort("seed")
        figure, (ax,) = canvas(width=7.2, height=4.2)
        ax.set_xscale("log")
        counts, times = sorted({one.rows for one in self.readings}), sorted({one.epochs for one in self.readings})
        beside = (times[-1] / times[0]) ** 0.012  # each other, not over
        for index, rows in enumerate(counts):
            style, own = look(index), [one for one in self.readings if one.rows == rows]
            x = [one.epochs * beside ** (index - (len(counts) - 1) / 2) for one in own]
            ax.plot(x, [one.loss for one in own], color=style["color"], ls=style["linestyle"], lw=1.4)
            for place, one in zip(x, own, strict=True):
                dots = done.filter((pl.col("rows") == rows) & (pl.col("epochs") == one.epochs))["loss"].to_list()
                spread(ax, place, one.loss, (None, None), dots, style, upright=True)
                if one.step is not None and one.effect != "within the noise":
                    said = {"helps": "better", "hurts": "worse"}[one.effect]
                    ax.annotate(
                        said,
                        (place, one.loss),
                        (9, 0),
                        textcoords="offset points",
                        va="center",
                        fontsize=9,
                        color=style["color"],
                    )
            ax.plot([], [], **style, ms=7, label=f"{rows:,} rows")
        ticks(ax.xaxis, times)
        ax.margins(x=0.12)
        ax.set(
            xlabel="times that each row is read   (log scale)",
            ylabel="loss of held-out answers\n(bits per byte), lower is better",
        )
        title = (
            f"dots: seeds; better, worse: than the next fewer times (Holm-corrected, detectable {self.detectable:.4f})"
        )
        figure.legend(loc="outside lower center", ncols=4, fontsize=9, title=title, title_fontsize=9, handlelength=3.2)
        return figure


def _effect(row: dict, what: str) -> Effect:
    return "within the noise" if not row[f"{what}_sure"] else "helps" if row[what] < 0 else "hurts"
