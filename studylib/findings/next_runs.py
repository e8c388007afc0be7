"""The list of runs to make, over all ideas; what would settle one idea's question is `NextRun`."""

from __future__ import annotations

from matplotlib.figure import Figure

from studylib.findings._figures.style import INK, PALETTE, canvas
from studylib.findings._finding import Finding
from studylib.frozen import Frozen
from studylib.numbers import short
from studylib.recipe.next_runs import NextRuns as Listed
from studylib.result import Text
from studylib.spec.setting import field_label
from studylib.words import Words


class Run(Frozen):
    """``gain``: what the regret at the target is expected to lose, percent of the loss."""

    idea: str
    choice: str
    params: float
    seeds: int
    gpu_hours: float
    gain: float


class NextRuns(Finding):
    """``runs`` in their order, within ``budget`` GPU-hours (None: none was given); ``now`` and ``after`` them: the expected regret."""

    name = "next-runs"
    title = Words(
        en="""
            {% if runs %}{{ runs | length }} {{ 'run' | plural(runs | length) }} of {{ gpu_hours | num }} GPU-hours
            {{ ' ' }}would take the regret from {{ now | fixed(2) }} to {{ after | fixed(2) }} % of the loss
            {% else %}No run is worth making now{% endif %}""",
        ja="""
            {% if runs %}{{ runs | length }} 件の実験({{ gpu_hours | num }} GPU 時間)で期待損失増は {{ now | fixed(2) }} % から
            {{ ' ' }}{{ after | fixed(2) }} % へ
            {% else %}いま行うべき実験はない{% endif %}""",
    )
    alt = Words(
        en="""Expected regret at the target, percent of the loss, by GPU-hours spent on the list:
            {% for one in runs %}
            {{ one.idea }}, {{ one.choice }}, at {{ one.params | short }}, {{ one.seeds }} {{ 'seed' | plural(one.seeds) }},
            {{ one.gpu_hours | num }} GPU-hours: {{ (0 - one.gain) | signed(3) }}{{ '.' if loop.last else '; ' }}
            {% else %}
            nothing is listed.{% endfor %}""",
        ja="""リストに使う GPU 時間と目標での期待損失増(損失の %):
            {% for one in runs %}
            {{ one.idea }} の {{ one.choice }}、{{ one.params | short }}、{{ one.seeds }} シード、{{ one.gpu_hours | num }} GPU 時間で
            {{- ' ' }}{{ (0 - one.gain) | signed(3) }}{{ '。' if loop.last else ';' }}
            {% else %}
            該当なし。{% endfor %}""",
    )
    words = Words(
        en="""
            {% if why_none is not none %}{{ why_none }}{% endif %}
            {% if runs %}
            {% if why_none is not none %}{{ ' ' }}{% endif %}
            What was compared and is still open gives away {{ now | fixed(2) }} % of the loss at the target in expectation.
            {% if budget is not none %}Of {{ budget | num }} GPU-hours the list spends {{ gpu_hours | num }}
            {%- else %}The first runs of the list spend {{ gpu_hours | num }} GPU-hours{% endif %} and leave {{ after | fixed(2) }} %.
            After each run the list is made anew.
            {% else %}
            {{ ' ' if why_none is not none else '' }}The expected regret of what was compared is {{ now | fixed(2) }} % of the loss, and stays
            {{ ' ' }}{{ after | fixed(2) }} % after {{ gpu_hours | num }} GPU-hours
            {%- if budget is not none %} of {{ budget | num }}{% endif %}.
            {% endif %}""",
        ja="""
            {% if why_none is not none %}{{ why_none }}{% endif %}
            {% if runs %}
            比較したうえで未決の選択は、目標で平均して損失の {{ now | fixed(2) }} % を失います。
            {% if budget is not none %}{{ budget | num }} GPU 時間のうち {{ gpu_hours | num }} を使い
            {%- else %}リストの先頭の実験に {{ gpu_hours | num }} GPU 時間を使い{% endif %}、{{ after | fixed(2) }} % になります。
            実験のたびにリストは作り直されます。
            {% else %}
            比較した選択の期待損失増は損失の {{ now | fixed(2) }} % で、
            {%- if budget is not none %}{{ budget | num }} GPU 時間のうち{% endif %} {{ gpu_hours | num }} GPU 時間の後も {{ after | fixed(2) }} % です。
            {% endif %}""",
    )

    runs: tuple[Run, ...]
    budget: float | None
    gpu_hours: float
    now: float
    after: float
    why_none: Text | None

    @classmethod
    def of(cls, listed: Listed) -> NextRuns:
        runs = [
            Run(
                idea=one.idea, choice=one.choice, params=one.params, seeds=one.seeds, gpu_hours=one.gpu_hours,
                gain=one.reduction_percent,
            )
            for one in listed.runs
        ]  # fmt: skip
        found = cls(
            runs=tuple(runs), budget=listed.budget_gpu_hours, gpu_hours=listed.gpu_hours, now=listed.regret_percent,
            after=listed.after_percent, why_none=listed.why_none,
        )  # fmt: skip
        return found.drawn_from() if runs else found

    def draw(self) -> Figure:
        """What is left after each run, the dearest steps to the right."""
        figure, (ax,) = canvas(width=8.2, height=0.42 * len(self.runs) + 2.2)
        left, spent = self.now, 0.0
        places = range(len(self.runs), 0, -1)
        for place, one in zip(places, self.runs, strict=True):
            spent += one.gpu_hours
            ax.barh(place, one.gain, left=left - one.gain, color=PALETTE[0], height=0.6)
            ax.plot([left - one.gain] * 2, [place - 0.7, place + 0.3], color=INK, lw=1)
            ax.annotate(
                f"{one.gpu_hours:.3g} GPU-hours", (left, place), xytext=(6, 0), textcoords="offset points", va="center", fontsize=9
            )  # fmt: skip
            left -= one.gain
        ax.set_yticks(
            list(places),
            [f"{field_label(one.choice)}  ({one.idea})\n{short(one.params)}" for one in self.runs],
            fontsize=9,
        )
        span = self.now - left
        ax.set_xlim(left - 0.1 * span, self.now + 0.25 * span)
        ax.set(xlabel="expected regret at the target (percent of the loss)")
        ax.grid(axis="y", visible=False)
        return figure
