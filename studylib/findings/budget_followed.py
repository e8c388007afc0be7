"""What following the list of next runs saves, in studies whose truth is known."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studylib.analysis.simulated_budget import CHOICES, SimulatedBudget, Spent
from studylib.findings._figures.style import INK, PALETTE, canvas
from studylib.findings._finding import Finding, Interval
from studylib.words import Words


class BudgetFollowed(Finding):
    """``saved``: compute of the best even spreading over what the list needs for the same regret (geometric mean over budgets, 95 %);
    ``saved_ladder``: of one size after the other. ``before``: mean regret by the first comparison, percent of the loss."""

    name = "budget-followed"
    title = Words(
        en="""For the regret that the list reaches, the best even spreading takes {{ saved[1] | fixed(1) }} times its compute,
            and a ladder of sizes {{ saved_ladder[1] | fixed(1) }} times""",
        ja="""リストと同じ損失増に達するには、最良の均等配分で {{ saved[1] | fixed(1) }} 倍、規模を順に上げる場合は
            {{- ' ' }}{{ saved_ladder[1] | fixed(1) }} 倍の計算量が必要""",
    )
    alt = Words(
        en="""Mean regret over GPU-hours in {{ studies }} simulated {{ 'study' if studies == 1 else 'studies' }} of {{ choices }}
            {{ ' ' }}{{ 'choice' | plural(choices) }}, for the list, for seeds spread evenly over all choices at one size, and for a ladder.""",
        ja="""模擬研究 {{ studies }} 件({{ choices }} 個の選択)での GPU 時間と平均損失増:リスト、1 規模での均等配分、規模を順に上げる場合。""",
    )
    words = Words(
        en="""
            In {{ studies }} simulated {{ 'study' if studies == 1 else 'studies' }} whose truth is known, {{ choices }}
            {{ ' ' }}{{ 'choice' | plural(choices) }} each, choosing by the first comparison gives away {{ before | fixed(1) }} % of the loss in all.
            Spreading seeds evenly over all choices at one size, the best one for its cost, takes {{ saved | fixed(2) }} times the compute
            of the list for the same regret, a ladder of sizes {{ saved_ladder | fixed(2) }} times (95 % over studies).
            Which size is best to spread at is not known beforehand: that is to its advantage here.""",
        ja="""
            真の値が既知の模擬研究 {{ studies }} 件(各 {{ choices }} 個の選択)で、最初の比較だけで選ぶと合計で損失の {{ before | fixed(1) }} % を失います。
            全選択に 1 規模で均等にシードを配分し、費用に対し最良の規模を選んでも、同じ損失増にはリストの {{ saved | fixed(2) }} 倍、
            規模を順に上げる場合は {{ saved_ladder | fixed(2) }} 倍の計算量が必要です(研究間の 95 % 区間)。
            どの規模が最良かは事前にはわからず、ここでは均等配分に有利な比較です。""",
    )

    studies: int
    choices: int
    before: float
    saved: Interval
    saved_ladder: Interval

    @classmethod
    def of(cls, found: SimulatedBudget) -> BudgetFollowed:
        return cls(
            studies=len(found.before), choices=CHOICES, before=float(found.before.mean()), saved=found.ratio(),
            saved_ladder=found.ratio(found.ladder),
        ).drawn_from(found)  # fmt: skip

    def draw(self, found: SimulatedBudget) -> Figure:
        figure, (ax,) = canvas(width=7.6, height=4.4)
        corners = found.best_even()
        low, high = 0.3 * corners[0][1], corners[-1][1]
        ax.plot(*found.curve(), "o-", color=PALETTE[0], lw=2.4, ms=4, label="the list, made anew once")
        ax.plot(
            [one[1] for one in corners],
            [one[2] for one in corners],
            color=PALETTE[1],
            ls="--",
            label="the best even spreading",
        )
        _points(ax, found.even, PALETTE[1], "s", "evenly, one size")
        _points(ax, found.ladder, PALETTE[2], "^", "a ladder of sizes")
        ax.axhline(self.before, color=INK, lw=1, ls=":")
        ax.annotate(
            "by the first comparison", (low, self.before), xytext=(0, 4), textcoords="offset points", fontsize=9
        )
        ax.set_xscale("log")
        ax.set_xlim(low, 1.3 * high)
        ax.set(xlabel="GPU-hours", ylabel="mean true regret at the target\n(percent of the loss, all choices)")
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)
        return figure


def _points(ax: Axes, spent: Spent, color: str, marker: str, label: str) -> None:
    ax.plot(spent.hours.mean(axis=0), spent.regret.mean(axis=0), marker, color=color, ms=6, alpha=0.7, label=label)
