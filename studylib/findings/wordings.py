"""Whether more wordings of the instructions make a model that minds less how it is asked."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis import wordings_table
from studylib.findings._figures.spread import spread
from studylib.findings._figures.style import canvas, look, ticks
from studylib.findings._finding import Finding, Interval, interval
from studylib.frozen import Frozen
from studylib.words import Words


class Worded(Frozen):
    """Tuned on so many ``wordings``: over those that were kept from training, share ``right`` and ``margin`` (nats a byte by which the
    right answer is above the others), and the standard deviation of both between wordings, each with 95 %."""

    wordings: int
    right: Interval
    right_spread: Interval
    margin: Interval
    margin_spread: Interval


class Wordings(Finding):
    """``rise``, ``narrowing``: change of the share right and of its spread for twice as many trained wordings, with 95 %."""

    name = "wordings"
    title = Words(
        en="""
            {% set few, many = trained[0], trained[-1] %}
            {% if rise[0] > 0 or rise[2] < 0 %}Twice as many wordings: {{ (100 * rise[1]) | signed(1) }} points of right answers in unseen wordings
            {%- else %}More wordings do not change how many answers are right in unseen ones beyond the noise{% endif %};
            {% if narrowing[0] > 0 or narrowing[2] < 0 %}the spread between wordings {{ 'falls' if narrowing[1] < 0 else 'rises' }}
            {{ ' ' }}(tuned on {{ few.wordings }}: {{ (100 * few.right_spread[1]) | fixed(1) }} points, on {{ many.wordings }}: {{ (100 * many.right_spread[1]) | fixed(1) }})
            {%- else %}nor is the spread between wordings told apart{% endif %}""",
        ja="""
            {% set few, many = trained[0], trained[-1] %}
            {% if rise[0] > 0 or rise[2] < 0 %}言い回しを 2 倍にすると、未知の言い回しでの正答率は {{ (100 * rise[1]) | signed(1) }} ポイント
            {%- else %}言い回しを増やしても、未知の言い回しでの正答率の差はノイズの範囲内{% endif %}。
            {%- if narrowing[0] > 0 or narrowing[2] < 0 %}言い回し間のばらつきは{{ '減る' if narrowing[1] < 0 else '増える' }}
            ({{ few.wordings }} 種で {{ (100 * few.right_spread[1]) | fixed(1) }}、{{ many.wordings }} 種で {{ (100 * many.right_spread[1]) | fixed(1) }} ポイント)
            {%- else %}言い回し間のばらつきの差も検出できない{% endif %}""",
    )
    alt = Words(
        en="""Over {{ asked }} wordings that nobody trained on, by number of trained ones, with 95 % intervals:
            {% for one in trained %}
            {{ one.wordings }}: right {{ (100 * one.right[1]) | fixed(1) }} % ({{ (100 * one.right[0]) | fixed(1) }} to {{ (100 * one.right[2]) | fixed(1) }}), spread
            {{ (100 * one.right_spread[1]) | fixed(1) }} points ({{ (100 * one.right_spread[0]) | fixed(1) }} to {{ (100 * one.right_spread[2]) | fixed(1) }})
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""学習に使わなかった {{ asked }} 種の言い回しでの結果(学習した言い回しの数ごと、95 % 区間):
            {%- for one in trained %}
            {{ one.wordings }} 種では正答率 {{ (100 * one.right[1]) | fixed(1) }} %({{ (100 * one.right[0]) | fixed(1) }}〜{{ (100 * one.right[2]) | fixed(1) }})、ばらつき
            {{ ' ' }}{{ (100 * one.right_spread[1]) | fixed(1) }} ポイント({{ (100 * one.right_spread[0]) | fixed(1) }}〜{{ (100 * one.right_spread[2]) | fixed(1) }})
            {{- '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""For twice as many trained wordings the share of right answers in unseen ones changes by {{ (100 * rise[1]) | signed(2) }} points
            ({{ (100 * rise[0]) | signed(2) }} to {{ (100 * rise[2]) | signed(2) }}), its standard deviation between wordings, with the noise of few
            questions taken out, by {{ (100 * narrowing[1]) | signed(2) }} ({{ (100 * narrowing[0]) | signed(2) }} to {{ (100 * narrowing[2]) | signed(2) }}).
            The right answer is above the others by, nats a byte:
            {% for one in trained %}
            {{ one.margin | signed(3) }} after {{ one.wordings }}, spread {{ one.margin_spread | fixed(3) }}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""学習する言い回しを 2 倍にすると、未知の言い回しでの正答率は {{ (100 * rise[1]) | signed(2) }} ポイント
            ({{ (100 * rise[0]) | signed(2) }}〜{{ (100 * rise[2]) | signed(2) }})、言い回し間の標準偏差(問題数によるノイズを除く)は
            {{ ' ' }}{{ (100 * narrowing[1]) | signed(2) }} ポイント({{ (100 * narrowing[0]) | signed(2) }}〜{{ (100 * narrowing[2]) | signed(2) }})変わります。
            正答と他の選択肢の差(nats/byte):
            {%- for one in trained %}
            {{ one.wordings }} 種で {{ one.margin | signed(3) }}、ばらつき {{ one.margin_spread | fixed(3) }}{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )

    asked: int
    rise: Interval
    narrowing: Interval
    trained: tuple[Worded, ...]

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Wordings | None:
        """None with fewer than two numbers of trained wordings with two seeds each.

        Parameters
        ----------
        rows
            A row a trial, question and held-out wording (`analysis.read_evaluation_rows` of ``multiple_choice``): ``wordings`` (how
            many the model was tuned on), ``seed``, ``item``, ``wording``, ``right`` (0 to 1), ``margin`` (nats a byte). A question need
            not be asked in every wording.
        """
        if rows.is_empty():
            return None
        enough = pl.col("seed").n_unique().over("wordings") > 1
        rows = rows.filter(enough)
        if rows["wordings"].n_unique() < 2:
            return None
        table, slopes = wordings_table(rows)
        cells = {(row["wordings"], row["value"]): row for row in table.iter_rows(named=True)}
        change = {
            row["what"]: (row["low"], row["change"], row["high"])
            for row in slopes.iter_rows(named=True)
            if row["value"] == "right"
        }
        if any(None in ends for ends in change.values()):
            return None
        trained = []
        for count in sorted(rows["wordings"].unique()):
            facts = {}
            for value in ("right", "margin"):
                own = cells[count, value]
                facts[value], facts[f"{value}_spread"] = interval(own), interval(own, "spread")
            trained.append(Worded(wordings=count, **facts))
        return cls(
            asked=rows["wording"].n_unique(), rise=change["mean"], narrowing=change["spread"], trained=tuple(trained)
        ).drawn_from(rows)  # fmt: skip

    def draw(self, rows: pl.DataFrame) -> Figure:
        """Left: right answers, each held-out wording a tick; right: the spread between wordings."""
        means = rows.group_by("wordings", "seed").agg(pl.col("right").mean()).sort("seed")
        each = rows.group_by("wordings", "wording").agg(pl.col("right").mean())
        figure, (left, right) = canvas(1, 2, width=8.2, height=4.2)
        counts = [one.wordings for one in self.trained]
        for ax, value, index in ((left, "right", 0), (right, "right_spread", 1)):
            style = look(index)
            found = [getattr(one, value) for one in self.trained]
            ax.set_xscale("log")
            ax.plot(counts, [middle for _, middle, _ in found], color=style["color"], ls=style["linestyle"], lw=1.4)
            for count, (low, middle, high) in zip(counts, found, strict=True):
                dots = means.filter(pl.col("wordings") == count)["right"].to_list() if ax is left else []
                spread(ax, count, middle, (low, high), dots, style, upright=True)
            ticks(ax.xaxis, counts)
            ax.set_xlim(min(counts) / 1.5, max(counts) * 1.5)
            ax.set_xlabel("wordings of an instruction in the tuning\n(equal rows; log scale)")
        beside = (max(counts) / min(counts)) ** 0.05
        left.plot(
            each["wordings"] * beside,
            each["right"],
            "_",
            color="#5a6370",
            ms=7,
            label="a wording that was kept from training",
        )
        for index, label in enumerate(("mean over wordings", "standard deviation between them")):
            left.plot([], [], **look(index), ms=7, label=label)
        left.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        right.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}")
        right.set_ylim(bottom=-0.04 * right.get_ylim()[1])
        left.set_ylabel("right answers in unseen wordings")
        right.set_ylabel("spread between unseen wordings,\nnoise of questions out (points)")
        title = "dots: seeds; upright lines: 95 % intervals"
        figure.legend(loc="outside lower center", ncols=3, fontsize=9, title=title, title_fontsize=9, handlelength=3.2)
        return figure
