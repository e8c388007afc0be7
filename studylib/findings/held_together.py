"""Whether the choices of all ideas hold together: at small sizes, against the sum of what each brought alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from studylib import analysis
from studylib.findings._figures.style import INK, MUTED, PALETTE, canvas, wrapped
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import Text, Words

_STATES = {
    "adds up": "gains add up", "less": "less than the sum", "more": "more than the sum", "unclear": "the sum is not refuted",
}  # fmt: skip


class ChosenPart(Frozen):
    """A choice of an idea over the baseline's value, percent of the loss alone; ``params``: where it was tried, at most."""

    idea: str
    value: str
    instead_of: str
    effect: Interval
    params: float


class NotMade(Frozen):
    """A choice that is not part of it, and why."""

    idea: str
    choice: str
    why: Text


class AtSize(Frozen):
    """At one size against the baseline, percent of the loss; ``interaction``: measured minus predicted."""

    size: str
    measured: Interval
    interaction: Interval
    state: Literal["adds up", "less", "more", "unclear"]


class HeldTogether(Finding):
    """``sizes``: those at which the combination finished; ``missing``: ideas that have no result."""

    name = "held-together"
    title = Words(
        en="""{% if sizes %}All choices together bring {{ sizes[-1].measured[1] | signed(2) }} % of the loss at {{ sizes[-1].size }}, the sum of
            their effects alone {{ predicted[1] | signed(2) }} %
            {% else %}All choices together finished at no size; the sum of their effects alone is {{ predicted[1] | signed(2) }} %{% endif %}""",
        ja="""{% if sizes %}{{ sizes[-1].size }} で全選択を合わせると損失は {{ sizes[-1].measured[1] | signed(2) }} %、単独効果の和は
            {{ ' ' }}{{ predicted[1] | signed(2) }} %
            {% else %}全選択の組み合わせはどの規模でも完了せず。単独効果の和は {{ predicted[1] | signed(2) }} %{% endif %}""",
    )
    alt = Words(
        en="""Effects alone against the baseline, percent of the loss with 95 % intervals, by posterior means, which take back the luck of
            having been chosen:
            {% for one in parts %}
            {{ one.value }} instead of {{ one.instead_of }} ({{ one.idea }}, {{ one.params | short }} parameters) {{ one.effect | signed(2) }}{{ '.' if loop.last else '; ' }}
            {% endfor %}
            Their sum: {{ predicted | signed(2) }}.
            {% for one in sizes %}
            {{ one.size }} together: measured {{ one.measured | signed(2) }}, measured minus predicted {{ one.interaction | signed(2) }}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""基準に対する単独効果(損失の %、95 % 区間)。選ばれた幸運を差し引く事後平均による:
            {% for one in parts %}
            {{ one.instead_of }} に代えて {{ one.value }}({{ one.idea }}、{{ one.params | short }} パラメータ){{ one.effect | signed(2) }}{{ '。' if loop.last else ';' }}
            {% endfor %}
            その和:{{ predicted | signed(2) }}。
            {% for one in sizes %}
            {{ one.size }} での組み合わせ:実測 {{ one.measured | signed(2) }}、実測と予測の差 {{ one.interaction | signed(2) }}
            {{- '。' if loop.last else ';' }}
            {% endfor %}""",
    )
    words = Words(
        en="""{% if not parts %}No choice of the other ideas that can be made at small sizes differs from the baseline, so nothing was put together.
            {% elif not sizes %}{{ parts | map(attribute='value') | listed }} together finished at no size.
            {% else %}{{ parts | map(attribute='value') | listed }} together:
            {% for one in sizes %}
            {{ {'adds up': 'the gains add up', 'less': 'they bring less than their sum', 'more': 'they bring more than their sum',
            'unclear': 'the noise allows their sum, or less, or more'}[one.state] }} at {{ one.size }}{{ '.' if loop.last else '; ' }}
            {% endfor %}{% endif %}
            {% if missing %}Without a result, so not part of it: {{ missing | listed }}.{% endif %}
            {% for why, own in left_out | groupby('why.en') %}{{ 'Left out, because ' if loop.first }}{{ why }}:
            {% for one in own %}{{ one.choice }} of {{ one.idea }}{{ '' if loop.last else ', ' }}{% endfor %}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""{% if not parts %}小規模で適用できる他のアイデアの選択は基準と同じで、組み合わせるものはありません。
            {% elif not sizes %}{{ parts | map(attribute='value') | listed }} の組み合わせはどの規模でも完了しませんでした。
            {% else %}{{ parts | map(attribute='value') | listed }} の組み合わせ:
            {% for one in sizes %}
            {{ one.size }} では{{ {'adds up': '足し合わせられる', 'less': '和より小さい', 'more': '和より大きい',
            'unclear': '和との差は誤差内'}[one.state] }}{{ '。' if loop.last else '、' }}
            {% endfor %}{% endif %}
            {% if missing %}結果がなく含まれないもの:{{ missing | listed }}。{% endif %}
            {% for why, own in left_out | groupby('why.ja') %}{{ '除外:' if loop.first }}
            {%- for one in own %}{{ one.idea }} の {{ one.choice }}{{ '' if loop.last else '、' }}{% endfor %}({{ why }})
            {{- '。' if loop.last else ';' }}
            {% endfor %}""",
    )

    parts: tuple[ChosenPart, ...]
    predicted: Interval
    sizes: tuple[AtSize, ...]
    left_out: tuple[NotMade, ...]
    missing: tuple[str, ...]

    @classmethod
    def of(
        cls,
        found: Sequence[analysis.HeldTogether],
        parts: Sequence[ChosenPart],
        predicted: Interval,
        left_out: Sequence[NotMade],
        missing: Sequence[str],
    ) -> HeldTogether:
        """``found``: by size, smallest first."""
        sizes = tuple(
            AtSize(size=one.size, measured=one.measured, interaction=one.interaction, state=one.state) for one in found
        )
        finding = cls(
            parts=tuple(parts), predicted=predicted, sizes=sizes, left_out=tuple(left_out), missing=tuple(missing)
        )
        return finding.drawn_from() if parts else finding

    def draw(self) -> Figure:
        """Effects alone, their sum, and all together as measured at every size."""
        rows = [(wrapped(one.value, 34), one.effect, MUTED, "o") for one in self.parts]
        rows.append(("sum (predicted)", self.predicted, PALETTE[0], "s"))
        rows += [(f"together at {one.size}: {_STATES[one.state]}", one.measured, PALETTE[1], "D") for one in self.sizes]
        figure, (ax,) = canvas(width=8.4, height=1.4 + 0.4 * len(rows))
        for y, (_, (low, middle, high), colour, marker) in enumerate(rows):
            ax.plot([low, high], [y, y], color=colour, lw=2.4, solid_capstyle="butt")
            ax.plot(middle, y, marker=marker, ms=8, color=colour, ls="")
        ax.axvspan(self.predicted[0], self.predicted[2], color=PALETTE[0], alpha=0.1, lw=0)
        ax.axvline(0, color=INK, lw=1)
        ax.axhline(len(self.parts) - 0.5, color=MUTED, lw=0.8, ls=":")
        ax.grid(axis="y", visible=False)
        ax.xaxis.set_major_locator(MaxNLocator(6))
        ax.set_yticks(range(len(rows)), [name for name, *_ in rows], color=INK)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        figure.supxlabel("difference to the baseline at the same seed (% of the loss), 95 % interval", fontsize=10)
        return figure
