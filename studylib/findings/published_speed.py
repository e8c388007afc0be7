"""The cost model held against published runs, and one of this engine."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from matplotlib.figure import Figure

from studylib.findings._figures.style import INK, MUTED, look, ticks
from studylib.findings._figures.style import canvas as canvas_of
from studylib.findings._finding import Finding
from studylib.frozen import Fraction, Frozen
from studylib.recipe.published_runs import RunCheck
from studylib.words import Words


class Run(Frozen):
    """Tokens/s of a card; ``error`` in percent, with what is calibrated fitted to the other runs alone. ``whole``: card-hours of a whole run,
    with restarts and evaluations; else timed steps."""

    name: str
    card: str
    gpus: int
    whole: bool
    published: float
    predicted: float
    error: float
    utilisation: Fraction
    said: str
    source: str


class PublishedSpeed(Finding):
    name = "published-speed"
    title = Words(
        en="""The cost model foretells half of {{ runs | length }} measured runs within {{ middle | fixed(0) }} %, and is off by
            {{ worst | fixed(0) }} % at worst ({{ of_worst }})""",
        ja="""費用モデルは実測 {{ runs | length }} 件の半数を {{ middle | fixed(0) }} % 以内で言い当て、最大の外れは {{ worst | fixed(0) }} %({{ of_worst }})""",
    )
    alt = Words(
        en="""Predicted over measured tokens per second of a card, each run foretold from the others:
            {% for one in runs %}
            {{ one.name }} ({{ one.gpus }} × {{ one.card }}, {{ 'whole run' if one.whole else 'steps' }}) {{ one.error | signed(1) }} %: measured
            {{ ' ' }}{{ one.published | num }}, predicted {{ one.predicted | num }}, {{ one.utilisation | percent }} of the peak
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""カード 1 枚あたりのトークン毎秒の予測と実測値の比。各件はほかの件から予測した:
            {% for one in runs %}
            {{ one.name }}({{ one.gpus }} × {{ one.card }}、{{ '全期間' if one.whole else 'ステップ' }}){{ one.error | signed(1) }} %:実測
            {{ ' ' }}{{ one.published | num }}、予測 {{ one.predicted | num }}、ピークの {{ one.utilisation | percent }}
            {{- '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""Sources: {% for one in runs %}{{ one.name }}: {{ one.said }} ({{ one.source }}){{ '.' if loop.last else '; ' }}{% endfor %}""",
        ja="""出典:{% for one in runs %}{{ one.name }}:{{ one.said }}({{ one.source }}){{ '。' if loop.last else ';' }}{% endfor %}""",
    )

    runs: tuple[Run, ...]
    middle: float
    worst: float
    of_worst: str

    @classmethod
    def of(cls, checks: Sequence[RunCheck]) -> PublishedSpeed:
        """``checks`` from ``check_published``."""
        runs = tuple(
            Run(
                name=one.name, card=one.card, gpus=one.gpus, whole=one.whole, published=one.published, predicted=one.predicted,
                error=100 * one.left_out_error, utilisation=one.utilisation, said=one.said, source=one.source,
            )
            for one in checks
        )  # fmt: skip
        worst = max(runs, key=lambda one: abs(one.error))
        return cls(
            runs=runs, middle=median(abs(one.error) for one in runs), worst=abs(worst.error), of_worst=worst.name
        ).drawn_from()

    def draw(self) -> Figure:
        figure, (ax,) = canvas_of(width=7.4, height=1.3 + 0.36 * len(self.runs))
        for place, one in enumerate(self.runs):
            own = look(1 if one.whole else 0)
            ax.plot([1, 1 + one.error / 100], [place, place], color=own["color"], lw=1.6)
            ax.plot(1 + one.error / 100, place, own["marker"], color=own["color"], ms=7)
            ax.annotate(
                f"{one.error:+.0f} %", (max(1, 1 + one.error / 100), place), (9, 0), textcoords="offset points", va="center",
                fontsize=9, color=INK,
            )  # fmt: skip
        ax.axvline(1, color=MUTED, lw=1.2)
        for index, said in enumerate(("timed steps", "card-hours of a whole run")):
            ax.plot([], [], ls="", ms=7, marker=look(index)["marker"], color=look(index)["color"], label=said)
        ax.set_xscale("log")
        ticks(ax.xaxis, (0.7, 0.8, 0.9, 1, 1.25, 1.5, 2))
        ends = [1 + one.error / 100 for one in self.runs]
        ax.set_xlim(min(0.78, 0.95 * min(ends)), 1.2 * max(1.25, *ends))
        ax.set_yticks(
            range(len(self.runs)), [f"{one.name}, {one.gpus} × {one.card.split()[0]}" for one in self.runs], fontsize=9
        )
        ax.set_ylim(len(self.runs) - 0.5, -0.5)
        ax.grid(axis="y", visible=False)
        ax.legend(loc="lower right", fontsize=9)
        ax.set_xlabel("predicted over measured speed, each from the other runs")
        return figure
