"""What the run is predicted to reach, over token budgets and what they cost."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studylib.findings._figures.style import INK, LOSS, canvas, look, ticks
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.numbers import short
from studylib.recipe.outlook import Outlook
from studylib.result import Text
from studylib.words import Words


class Budget(Frozen):
    """One number of tokens; what is not known is None.

    ``loss``: bits per byte; ``change_percent``: of the loss, against the run's own budget, below 0 better. 90 % intervals.
    ``gpu_hours``: at the highest, the middle and the lowest utilisation.
    """

    tokens: float
    loss: Interval | None
    change_percent: Interval | None
    gpu_hours: Interval


class Forecast(Finding):
    """``budgets``: the run's own first. ``carried``: own trials forecast the loss itself, else a published ``law`` its changes.

    ``tenth_percent``: what a tenth more compute changes at the run's own budget, parameters held, percent of the loss.
    """

    name = "forecast"
    title = Words(
        en="""{% set run = budgets[0] %}{% set most = budgets | sort(attribute='tokens') | last %}
            {% if carried and run.loss is not none %}With {{ run.tokens | short }} tokens the run is predicted to reach
            {{ run.loss | fixed(3) }} bits per byte
            {%- else %}Own trials do not forecast the loss itself
            {%- endif %}
            {%- if most.tokens != run.tokens and most.change_percent is not none %}; {{ '' if carried else 'by a published law ' }}
            {{- most.tokens | short }} tokens change it by
            {{ most.change_percent | signed(1) }} %{% endif %}""",
        ja="""{% set run = budgets[0] %}{% set most = budgets | sort(attribute='tokens') | last %}
            {% if carried and run.loss is not none %}{{ run.tokens | short }} トークンでの予測は {{ run.loss | fixed(3) }} bits/byte
            {%- else %}損失そのものは自前の試行からは予測できない
            {%- endif %}
            {%- if most.tokens != run.tokens and most.change_percent is not none %}、{{ '' if carried else '公表された法則では ' }}
            {{- most.tokens | short }} トークンでの変化は
            {{ ' ' }}{{ most.change_percent | signed(1) }} %{% endif %}""",
    )
    alt = Words(
        en="""Two panels with 90 % intervals: predicted {{ 'loss' if carried else 'change of the loss' }} against training tokens, and against
            GPU-hours.
            {% for one in budgets %}
            {{ one.tokens | short }} tokens:{% if one.loss is not none %} {{ one.loss | fixed(3) }} bits per byte,{% endif %}
            {%- if one.change_percent is not none %} {{ one.change_percent | signed(1) }} %,{% endif %}
            {{ ' ' }}{{ one.gpu_hours | num }} GPU-hours{{ '.' if loop.last else '; ' }}
            {%- endfor %}""",
        ja="""90 % 区間つきの 2 枠:学習トークン数と GPU 時間に対する予測{{ '損失' if carried else '損失の変化' }}。
            {% for one in budgets %}
            {{ one.tokens | short }} トークン:{% if one.loss is not none %}{{ one.loss | fixed(3) }} bits/byte、{% endif %}
            {%- if one.change_percent is not none %}{{ one.change_percent | signed(1) }} %、{% endif %}
            {{- one.gpu_hours | num }} GPU 時間{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""{{ 'Forecast' if carried else 'Not forecast' }}: {{ law }}. At the run's own budget a tenth more compute, spent on tokens,
            changes the loss by {{ tenth_percent | signed(2) }} %: by this a regret in percent of the loss becomes GPU-hours.""",
        ja="""予測{{ 'の根拠' if carried else 'できず' }}:{{ law }}。この予算で計算量を一割(トークンに)増やすと、損失は {{ tenth_percent | signed(2) }} % 変わります。
            損失の % で表した後悔は、これで GPU 時間に換算します。""",
    )

    law: Text
    carried: bool
    tenth_percent: Interval
    budgets: tuple[Budget, ...]

    @classmethod
    def of(cls, outlook: Outlook) -> Forecast:
        budgets = tuple(
            Budget(tokens=one.tokens, loss=one.loss_bpb, change_percent=one.relative_percent, gpu_hours=one.gpu_hours)
            for one in outlook.predictions
        )
        return cls(
            law=outlook.law,
            carried=outlook.carried,
            budgets=budgets,
            tenth_percent=tuple(10 * one for one in outlook.slope),
        ).drawn_from()

    def draw(self) -> Figure:
        """Loss over tokens, and over GPU-hours with the range of utilisation; the run's own budget is a star."""
        figure, axes = canvas(1, 2, width=9.2, height=4.2, sharey=True)
        known = sorted((one for one in self.budgets if self._of(one) is not None), key=lambda one: one.tokens)
        low, middle, high = zip(*(self._of(one) for one in known), strict=True) if known else ((), (), ())
        hours = [one.gpu_hours for one in known]
        self._line(axes[0], [one.tokens for one in known], low, middle, high)
        self._line(axes[1], [one[1] for one in hours], low, middle, high)
        for (least, _, most), value in zip(hours, middle, strict=True):
            axes[1].plot([least, most], [value, value], color=look(1)["color"], lw=2.2, alpha=0.7)
        axes[1].plot([], [], color=look(1)["color"], lw=2.2, alpha=0.7, label="range of utilisation")
        for ax, place in zip(axes, (self.budgets[0].tokens, self.budgets[0].gpu_hours[1]), strict=True):
            own = self._of(self.budgets[0])
            if own is not None:
                ax.plot(place, own[1], "*", ms=15, color=INK, zorder=5, label="the run")
            ax.set_xscale("log")
        axes[0].set(xlabel="training tokens (log scale)", ylabel=LOSS if self.carried else "change of the loss (%)")
        axes[1].set(xlabel="GPU-hours (log scale)")
        ticks(axes[0].xaxis, [one.tokens for one in known], short)
        ticks(axes[1].xaxis, [one[1] for one in hours], short)
        if not self.carried:
            said = "own trials carry nothing so far:\nchanges alone, by a published law"
            axes[0].text(0.03, 0.05, said, transform=axes[0].transAxes, fontsize=9, va="bottom")
        figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=9)
        return figure

    def _of(self, budget: Budget) -> Interval | None:
        return budget.loss if self.carried else budget.change_percent

    @staticmethod
    def _line(ax: Axes, places: list[float], low: tuple, middle: tuple, high: tuple) -> None:
        style = look(0)
        ax.fill_between(places, low, high, color=style["color"], alpha=0.15, lw=0, label="90 % interval")
        ax.plot(places, middle, color=style["color"], marker=style["marker"], ms=6, label="predicted")
