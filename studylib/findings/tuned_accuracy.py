"""Right answers to questions that nobody trained on: by chance, before tuning and after it."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis import accuracy_table
from studylib.findings._figures.spread import spread
from studylib.findings._figures.style import INK, MUTED, PALETTE, canvas, look, wrapped
from studylib.findings._finding import Finding, Interval, interval
from studylib.frozen import Fraction, Frozen
from studylib.words import Words


class Answered(Frozen):
    """Share ``right`` with 95 % over seeds and questions, ``beyond`` chance; ``gain`` over the untuned model, ``gained`` beyond chance.

    ``needed``: seeds that find such a model above chance in 4 of 5 studies with as many questions; None: questions are too few.
    """

    variant: str
    seeds: int
    right: Interval
    beyond: bool
    needed: int | None
    gain: Interval | None
    gained: bool


class TunedAccuracy(Finding):
    """``tuned`` from the most right answers; ``untuned``: the model that they all began with, 95 % over questions."""

    name = "tuned-accuracy"
    title = Words(
        en="""
            {% set best = tuned[0] %}
            {{ best.variant }} answers {{ (100 * best.right[1]) | fixed(1) }} % of {{ questions }} unseen questions right,
            {% if best.beyond %}above chance ({{ (100 * chance) | fixed(1) }} %)
            {%- else %}not told apart from chance ({{ (100 * chance) | fixed(1) }} %){% endif %}
            {%- if untuned is not none and best.gain is not none %}{{ ' and ' if best.beyond == best.gained else ', but ' }}
            {{- 'more than untuned' if best.gained and best.gain[1] > 0 else 'fewer than untuned' if best.gained else 'no more than untuned beyond the noise' }}
            {%- endif %}""",
        ja="""
            {% set best = tuned[0] %}
            {{ best.variant }} は未学習の {{ questions }} 問中 {{ (100 * best.right[1]) | fixed(1) }} % に正答。
            {%- if best.beyond %}偶然({{ (100 * chance) | fixed(1) }} %)を上回る
            {%- else %}偶然({{ (100 * chance) | fixed(1) }} %)と区別できない{% endif %}
            {%- if untuned is not none and best.gain is not none %}。調整前
            {{- 'より多い' if best.gained and best.gain[1] > 0 else 'より少ない' if best.gained else 'との差はノイズの範囲内' }}
            {%- endif %}""",
    )
    alt = Words(
        en="""Share of right answers, with 95 % intervals over seeds and questions. Chance {{ (100 * chance) | fixed(1) }} %
            {%- if untuned is not none %}; before tuning {{ (100 * untuned[1]) | fixed(1) }} %
            ({{ (100 * untuned[0]) | fixed(1) }} to {{ (100 * untuned[2]) | fixed(1) }}){% endif %};
            {% for one in tuned %}
            {{ one.variant }} {{ (100 * one.right[1]) | fixed(1) }} % ({{ (100 * one.right[0]) | fixed(1) }} to {{ (100 * one.right[2]) | fixed(1) }}), {{ one.seeds }}
            {{ ' seed' | plural(one.seeds) }}, {{ 'above chance' if one.beyond else 'not told from chance' }}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""正答率(シードと問題に関する 95 % 区間)。偶然 {{ (100 * chance) | fixed(1) }} %
            {%- if untuned is not none %}、調整前 {{ (100 * untuned[1]) | fixed(1) }} %
            ({{ (100 * untuned[0]) | fixed(1) }}〜{{ (100 * untuned[2]) | fixed(1) }}){% endif %}、
            {%- for one in tuned %}
            {{ one.variant }} {{ (100 * one.right[1]) | fixed(1) }} %({{ (100 * one.right[0]) | fixed(1) }}〜{{ (100 * one.right[2]) | fixed(1) }}、{{ one.seeds }} シード、
            {{- '偶然以上' if one.beyond else '偶然と区別できず' }}){{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""
            {% set gains = tuned | selectattr('gain', 'ne', none) | list %}
            {% if gains %}
            Right answers gained over the untuned model (one for all, so another might gain otherwise), percentage points:
            {% for one in gains %}
            {{ one.variant }} {{ (100 * one.gain[1]) | signed(1) }} ({{ (100 * one.gain[0]) | signed(1) }} to {{ (100 * one.gain[2]) | signed(1) }}
            {{- '' if one.gained else '; within the noise' }}){{ '.' if loop.last else ', ' }}
            {% endfor %}
            {% endif %}
            To be found above chance in 4 of 5 studies of {{ questions }} questions:
            {% for one in tuned %}
            {{ one.variant }} {% if one.needed is none %}needs more questions{% else %}needs {{ one.needed }} {{ 'seed' | plural(one.needed) }}{% endif %}
            {{- '.' if loop.last else ', ' }}
            {% endfor %}""",
        ja="""
            {% set gains = tuned | selectattr('gain', 'ne', none) | list %}
            {% if gains %}
            共通の調整前モデル 1 個と比べた正答率の増分(ポイント、別のモデルでは異なりうる):
            {%- for one in gains %}
            {{ one.variant }} {{ (100 * one.gain[1]) | signed(1) }}({{ (100 * one.gain[0]) | signed(1) }}〜{{ (100 * one.gain[2]) | signed(1) }}
            {{- '' if one.gained else '、ノイズの範囲内' }}){{ '。' if loop.last else '、' }}
            {%- endfor %}
            {% endif %}
            {{ questions }} 問の研究 5 回中 4 回で偶然以上と分かるために必要なシード数:
            {%- for one in tuned %}
            {{ one.variant }} {% if one.needed is none %}は問題数が不足{% else %}{{ one.needed }}{% endif %}
            {{- '。' if loop.last else '、' }}
            {%- endfor %}""",
    )

    chance: Fraction
    questions: int
    untuned: Interval | None
    tuned: tuple[Answered, ...]

    @classmethod
    def of(cls, rows: pl.DataFrame, untuned: pl.DataFrame) -> TunedAccuracy | None:
        """None without a tuned model that answered.

        Parameters
        ----------
        rows
            A row a trial, question and wording (`analysis.read_evaluation_rows` of ``multiple_choice``) of the tuned models:
            ``variant``, ``seed``, ``item``, ``right`` (0 to 1), ``chance``.
        untuned
            The same of the one model that they all began with. May be empty: it was not asked.
        """
        if rows.is_empty():
            return None
        table, start = accuracy_table(rows, untuned)
        table = table.filter(pl.col("low").is_not_null()).sort("mean", descending=True, maintain_order=True)
        if table.is_empty():
            return None
        tuned = tuple(
            Answered(
                variant=row["variant"], seeds=row["seeds"], right=interval(row), beyond=row["beyond"],
                needed=row["needed"], gain=interval(row, "gain"), gained=bool(row["gained"]),
            )
            for row in table.iter_rows(named=True)
        )  # fmt: skip
        before = interval(start)
        return cls(chance=start["chance"], questions=table["items"][0], untuned=before, tuned=tuned).drawn_from(rows)

    def draw(self, rows: pl.DataFrame) -> Figure:
        """A row a variant with its seeds; upright lines for chance and for the untuned model."""
        seeds = rows.group_by("variant", "seed", "item").agg(pl.col("right").mean())
        seeds = seeds.group_by("variant", "seed").agg(pl.col("right").mean()).sort("seed")
        figure, (ax,) = canvas(width=7.2, height=1.9 + 0.36 * len(self.tuned))
        ax.axvline(self.chance, color=INK, lw=1.2, ls="--", label="chance")
        if self.untuned is not None:
            low, middle, high = self.untuned
            ax.axvspan(low, high, color=MUTED, alpha=0.15, lw=0)
            ax.axvline(middle, color=MUTED, lw=1.6, label="before tuning (band: 95 % over questions)")
        for y, one in enumerate(self.tuned):
            style = look(0) if one.beyond else {"color": PALETTE[7], "marker": "s"}
            own = seeds.filter(pl.col("variant") == one.variant)["right"].to_list()
            spread(ax, y, one.right[1], (one.right[0], one.right[2]), own, style)
        ax.plot([], [], "o", color=PALETTE[0], ms=7, label="tuned, above chance (Holm-corrected)")
        ax.plot([], [], "s", color=PALETTE[7], ms=7, label="tuned, not told from chance")
        ax.set_yticks(range(len(self.tuned)), [wrapped(one.variant, 30) for one in self.tuned], color=INK)
        ax.set_ylim(len(self.tuned) - 0.4, -0.6)
        ax.grid(axis="y", visible=False)
        ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        over = "seeds and questions" if max(one.seeds for one in self.tuned) > 1 else "questions, of one seed"
        ax.set_xlabel(
            f"right answers to {self.questions} questions kept from training\n(dots: seeds; lines: 95 % over {over})"
        )
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)
        return figure
