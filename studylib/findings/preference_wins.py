"""How often a model that was trained on preferences answers better than the one it began with, by the world's own truth."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis import wins_table
from studylib.findings._figures.style import INK, MARKERS, MUTED, PALETTE, canvas, wrapped
from studylib.findings._finding import Finding, Interval, interval
from studylib.frozen import Frozen
from studylib.words import Words

_PARTS = ("truth", "topic", "manner", "ending")


class Won(Frozen):
    """Shares of prompts won, a tie counts half, each with 95 %: by the judge's ``score`` (``sure``: not a half, beyond chance) and by what
    it is the mean of. ``longer``: change of the answers' length, a share of the start's; ``longer_sure``: beyond chance."""

    variant: str
    start: str
    seeds: int
    score: Interval
    sure: bool
    truth: Interval
    topic: Interval
    manner: Interval
    ending: Interval
    longer: Interval
    longer_sure: bool


class PreferenceWins(Finding):
    """``won`` from the highest win rate; ``detectable``: the win rate above a half that these prompts and seeds find in 4 of 5 studies."""

    name = "preference-wins"
    title = Words(
        en="""
            {% set best = won[0] %}{% set better = won | selectattr('sure') | selectattr('score.1', 'gt', 0.5) | list %}
            {% set worse = won | selectattr('sure') | selectattr('score.1', 'lt', 0.5) | list %}
            {% if better %}{{ best.variant }} beats its start ({{ best.start }}) in {{ (100 * best.score[1]) | fixed(0) }} % of {{ prompts }} prompts;
            {{ better | length }} of {{ won | length }} win beyond the noise
            {%- else %}No preferences are shown to beat their start: {{ best.variant }} wins {{ (100 * best.score[1]) | fixed(0) }} % of {{ prompts }} prompts
            against {{ best.start }}, {{ 'fewer than half' if best.sure else 'within the noise' }}{% endif %}
            {%- if worse %}; {{ worse | length }} lose{% endif %}""",
        ja="""
            {% set best = won[0] %}{% set better = won | selectattr('sure') | selectattr('score.1', 'gt', 0.5) | list %}
            {% set worse = won | selectattr('sure') | selectattr('score.1', 'lt', 0.5) | list %}
            {% if better %}{{ best.variant }} は {{ prompts }} プロンプトの {{ (100 * best.score[1]) | fixed(0) }} % で学習前({{ best.start }})に勝つ。
            有意な勝ち越しは {{ won | length }} 中 {{ better | length }}
            {%- else %}選好学習が学習前に勝るとは言えない:{{ best.variant }} は {{ prompts }} プロンプトの
            {{ ' ' }}{{ (100 * best.score[1]) | fixed(0) }} % で {{ best.start }} に勝つ({{ '負け越し' if best.sure else 'ノイズの範囲内' }}){% endif %}
            {%- if worse %}。有意な負け越しは {{ worse | length }}{% endif %}""",
    )
    alt = Words(
        en="""Share of prompts won against the start by the world's own judge, with 95 % intervals; of truth, topic, manner and ending:
            {% for one in won %}
            {{ one.variant }} {{ (100 * one.score[1]) | fixed(1) }} % ({{ (100 * one.score[0]) | fixed(1) }} to {{ (100 * one.score[2]) | fixed(1) }}; {{ one.seeds }}
            {{ 'seed' | plural(one.seeds) }}); {{ one.truth | fixed(2) }}, {{ one.topic | fixed(2) }}, {{ one.manner | fixed(2) }}, {{ one.ending | fixed(2) }}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""世界の真実による判定で学習前に勝つプロンプトの割合(95 % 区間)。続けて真実・話題・作法・終わり方:
            {%- for one in won %}
            {{ one.variant }} {{ (100 * one.score[1]) | fixed(1) }} %({{ (100 * one.score[0]) | fixed(1) }}〜{{ (100 * one.score[2]) | fixed(1) }}、{{ one.seeds }} シード)、
            {{- one.truth | fixed(2) }}、{{ one.topic | fixed(2) }}、{{ one.manner | fixed(2) }}、{{ one.ending | fixed(2) }}
            {{- '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""Against its start, a tie counting half:
            {% for one in won %}
            {{ one.variant }} wins {{ (100 * one.score[1]) | fixed(1) }} % ({{ one.start }};
            {{ 'beyond the noise' if one.sure else 'within the noise' }}), its answers {{ (100 * one.longer[1]) | signed(1) }} % in length
            ({{ (100 * one.longer[0]) | signed(1) }} to {{ (100 * one.longer[2]) | signed(1) }}{{ '' if one.longer_sure else '; within the noise' }})
            {{- '.' if loop.last else '; ' }}
            {% endfor %}
            {% if detectable > 0 %}A win rate {{ (100 * detectable) | fixed(1) }} points from a half is found in 4 of 5 studies of so many prompts and
            seeds.{% endif %}
            {% if won | selectattr('seeds', 'eq', 1) | list %}With one seed the intervals are of other prompts only: another seed may
            differ by more.{% endif %}""",
        ja="""学習前との勝率(引き分けは半分):
            {%- for one in won %}
            {{ one.variant }} {{ (100 * one.score[1]) | fixed(1) }} %(対 {{ one.start }}、
            {{- '有意' if one.sure else 'ノイズの範囲内' }})、長さ {{ (100 * one.longer[1]) | signed(1) }} %
            ({{ (100 * one.longer[0]) | signed(1) }}〜{{ (100 * one.longer[2]) | signed(1) }}{{ '' if one.longer_sure else '、ノイズの範囲内' }})
            {{- '。' if loop.last else ';' }}
            {%- endfor %}
            {% if detectable > 0 %}検出可能なのは半分から {{ (100 * detectable) | fixed(1) }} ポイント以上の勝率です。{% endif %}
            {% if won | selectattr('seeds', 'eq', 1) | list %}1 シードの区間は別のプロンプトに関するもので、別のシードでの差はより大きい可能性があります。{% endif %}""",
    )

    prompts: int
    detectable: float
    won: tuple[Won, ...]

    @classmethod
    def of(cls, rows: pl.DataFrame, starts: pl.DataFrame) -> PreferenceWins | None:
        """None where no variant shares prompts and a seed with its start.

        Parameters
        ----------
        rows
            A row a trial and prompt (`analysis.read_evaluation_rows` of ``written``): ``variant``, ``start`` (name of what it began
            with), ``seed``, ``item``, the judge's ``truth``, ``topic``, ``manner``, ``ending`` and their mean ``score``, each 0 to 1, and
            ``characters``.
        starts
            The same of the models that they began with, at the same seeds; ``start`` is their own name.
        """
        if rows.is_empty() or starts.is_empty():
            return None
        table = wins_table(rows, starts).filter(pl.col("low").is_not_null())
        cells = {(row["variant"], row["value"]): row for row in table.iter_rows(named=True)}
        won = [
            Won(
                variant=name, start=own["start"], seeds=own["seeds"], sure=own["sure"],
                longer=interval(cells[name, "characters"]), longer_sure=cells[name, "characters"]["sure"],
                **{value: interval(cells[name, value]) for value in ("score", *_PARTS)},
            )
            for (name, value), own in cells.items()
            if value == "score"
        ]  # fmt: skip
        if not won:
            return None
        scores = table.filter(pl.col("value") == "score")
        return cls(
            prompts=scores["items"][0], detectable=float(scores["detectable"].median()),
            won=tuple(sorted(won, key=lambda one: -one.score[1])),
        ).drawn_from()  # fmt: skip

    def draw(self) -> Figure:
        """A row a variant: the win rate with its interval, and beside it the rates by component."""
        figure, (left, right) = canvas(1, 2, width=8.6, height=2.4 + 0.42 * len(self.won), sharey=True)
        left.axvspan(0.5 - self.detectable, 0.5 + self.detectable, color=MUTED, alpha=0.15, lw=0)
        for y, one in enumerate(self.won):
            low, middle, high = one.score
            colour = MUTED if not one.sure else PALETTE[2] if middle > 0.5 else PALETTE[1]
            marker = "o" if not one.sure else ">" if middle > 0.5 else "<"
            left.plot([low, high], [y, y], color=colour, lw=2.2, solid_capstyle="butt")
            left.plot(middle, y, marker=marker, ms=8, color=colour, mfc=colour if one.sure else "white", ls="")
            for index, part in enumerate(_PARTS):
                low, middle, high = getattr(one, part)
                place = y + (index - 1.5) * 0.18
                right.plot([low, high], [place, place], color=PALETTE[index], lw=1.2, alpha=0.7)
                right.plot(middle, place, marker=MARKERS[index], color=PALETTE[index], ms=5.5, ls="")
        for ax, said in ((left, "won by the judge's whole score"), (right, "won by component")):
            ax.axvline(0.5, color=INK, lw=1)
            ax.grid(axis="y", visible=False)
            ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
            ax.set_xlabel(f"{said}\n← start better      start worse →")
        names = [one.variant if one.start in one.variant else f"{one.variant} (from {one.start})" for one in self.won]
        left.set_yticks(range(len(names)), [wrapped(name, 24) for name in names], color=INK)
        left.set_ylim(len(self.won) - 0.4, -0.6)
        handles = [
            left.plot([], [], ">", color=PALETTE[2], ms=8, label="wins (Holm-corrected)")[0],
            left.plot([], [], "<", color=PALETTE[1], ms=8, label="loses (Holm-corrected)")[0],
            left.plot([], [], "o", color=MUTED, mfc="white", ms=8, label="not told apart")[0],
            left.fill_between([], [], color=MUTED, alpha=0.15, lw=0, label="less than is detectable"),
        ]  # fmt: skip
        handles += [
            right.plot([], [], marker=MARKERS[index], color=PALETTE[index], ms=6, ls="", label=part)[0]
            for index, part in enumerate(_PARTS)
        ]
        over = "prompts and seeds" if max(one.seeds for one in self.won) > 1 else "prompts, of one seed"
        title = f"share of {self.prompts} prompts, a tie counts half; lines: 95 % over {over}"
        figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=9, title=title, title_fontsize=9)
        return figure
