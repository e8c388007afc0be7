"""Whether the choices of all ideas hold together: at small sizes, against the sum of what each brought alone."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from studylib import analysis
from studylib.findings._figures.style import INK, canvas, wrapped
from studylib.findings._finding import Finding, Interval
from studylib.findings._sums import DRAWN, HeldAgainstSum, draw_rows
from studylib.frozen import Frozen
from studylib.words import Text, Words


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


class AtSize(HeldAgainstSum):
    """Percent of the loss; ``interaction``: measured minus predicted."""

    interaction: Interval


class TunedRate(Frozen):
    """The multiple of the learning rate that comes with the choices, the best of those ``tried``; ``at_edge``: the least or greatest."""

    factor: float
    tried: tuple[float, ...]
    at_edge: bool


class HeldTogether(Finding):
    """``sizes``: those at which the combination finished; ``missing``: ideas that have no result; no ``rate``: it was not tuned."""

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
            {{ one.told }} at {{ one.size }}{{ '.' if loop.last else '; ' }}
            {% endfor %}{% endif %}
            {% if rate %}Their learning rate is {{ rate.factor }} times the one that comes with them, the best of {{ rate.tried | listed }} on a seed of
            its own{% if rate.at_edge %}; it lies at the edge of those tried, so they may do better{% endif %}.{% endif %}
            {% if missing %}Without a result, so not part of it: {{ missing | listed }}.{% endif %}
            {% for why, own in left_out | groupby('why.en') %}{{ 'Left out, because ' if loop.first }}{{ why }}:
            {% for one in own %}{{ one.choice }} of {{ one.idea }}{{ '' if loop.last else ', ' }}{% endfor %}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""{% if not parts %}小規模で適用できる他のアイデアの選択は基準と同じで、組み合わせるものはありません。
            {% elif not sizes %}{{ parts | map(attribute='value') | listed }} の組み合わせはどの規模でも完了しませんでした。
            {% else %}{{ parts | map(attribute='value') | listed }} の組み合わせ:
            {% for one in sizes %}
            {{ one.size }} では{{ one.told }}{{ '。' if loop.last else '、' }}
            {% endfor %}{% endif %}
            {% if rate %}学習率は付随する値の {{ rate.factor }} 倍(比較に使わないシードで {{ rate.tried | listed }} 倍から最良
            {%- if rate.at_edge %}、範囲の端なのでさらに良くなる可能性あり{% endif %})。{% endif %}
            {% if missing %}結果がなく含まれないもの:{{ missing | listed }}。{% endif %}
            {% for why, own in left_out | groupby('why.ja') %}{{ '除外:' if loop.first }}
            {%- for one in own %}{{ one.idea }} の {{ one.choice }}{{ '' if loop.last else '、' }}{% endfor %}({{ why }})
            {{- '。' if loop.last else ';' }}
            {% endfor %}""",
    )

    parts: tuple[ChosenPart, ...]
    predicted: Interval
    sizes: tuple[AtSize, ...]
    rate: TunedRate | None
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
        rate: TunedRate | None = None,
    ) -> HeldTogether:
        """``found``: by size, smallest first."""
        sizes = tuple(
            AtSize(size=one.size, measured=one.measured, interaction=one.interaction, state=one.state) for one in found
        )
        finding = cls(
            parts=tuple(parts), predicted=predicted, sizes=sizes, rate=rate, left_out=tuple(left_out), missing=tuple(missing)
        )  # fmt: skip
        return finding.drawn_from() if parts else finding

    def draw(self) -> Figure:
        """Effects alone, their sum, and all together as measured at every size."""
        labels = [*(wrapped(one.value, 34) for one in self.parts), "sum (predicted)"]
        labels += [f"together at {one.size}:\n{DRAWN[one.state]}" for one in self.sizes]
        figure, (ax,) = canvas(width=8.4, height=1.4 + 0.4 * len(labels))
        draw_rows(ax, [one.effect for one in self.parts], self.predicted, [one.measured for one in self.sizes])
        ax.xaxis.set_major_locator(MaxNLocator(6))
        ax.set_yticks(range(len(labels)), labels, color=INK)
        ax.set_ylim(len(labels) - 0.4, -0.6)
        figure.supxlabel("difference to the baseline at the same seed\n(% of the loss), 95 % interval", fontsize=10)
        return figure
