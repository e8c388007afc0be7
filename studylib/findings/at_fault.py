"""Which choices are at fault where all of them together fail: each left out in turn, as often as it takes."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from studylib.findings._figures.style import INK, MUTED, PALETTE, canvas, wrapped
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import Words


class WithoutOne(Frozen):
    """A choice left out, percent of the loss against the baseline at one seed; none: it did not finish. ``rest``: of what is left;
    ``alone``: of the choice by itself."""

    value: str
    rest: float | None
    alone: float | None


class LeftOutOne(Frozen):
    """The choice at fault among those ``tried``; ``rest``: of what is left, mean over ``seeds``; ``instead``: others without which
    the rest does not fail either; ``alone``: of itself at one seed, none: it did not finish."""

    value: str
    idea: str
    alone: float | None
    rest: float
    seeds: int
    instead: tuple[str, ...]
    tried: tuple[WithoutOne, ...]


class AtFault(Finding):
    """``measured``: of all choices, percent of the loss; none: fewer than two trials finished. ``predicted``: the sum of their effects
    alone where their ideas compared them; ``there``: at this size, none: not known; ``clash``: whether they are worse than that, so that
    they spoil each other. ``out``: in the order in which they were left out; ``holds``: whether the rest no longer clearly fails."""

    name = "at-fault"
    title = Words(
        en="""All choices together fail at {{ size }};
            {% if out %}{{ out | map(attribute='value') | listed }} {{ 'is' if out | length == 1 else 'are' }} at fault
            {% else %}which of them is at fault is not known{% endif %}""",
        ja="""{{ size }} で全選択は両立しない。{% if out %}原因は {{ out | map(attribute='value') | listed }}
            {% else %}どれが原因かは不明{% endif %}""",
    )
    alt = Words(
        en="""Loss against the baseline, percent, when one choice after another is left out.
            {% for one in out %}
            {{ ' Then without' if not loop.first else ' Without' }}
            {% for other in one.tried %}
            {{ other.value }} {% if other.rest is none %}not finished{% else %}{{ other.rest | signed(1) }}{% endif %} (alone
            {%- if other.alone is none %} not finished{% else %} {{ other.alone | signed(1) }}{% endif %}){{ '.' if loop.last else ', ' }}
            {% endfor %}{% endfor %}""",
        ja="""選択を一つずつ外したときの基準に対する損失差(%)。
            {% for one in out %}{{ '続いて外すと、' if not loop.first else '外すと、' }}
            {% for other in one.tried %}
            {{ other.value }}:{% if other.rest is none %}未完了{% else %}{{ other.rest | signed(1) }}{% endif %}(単独
            {%- if other.alone is none %}は未完了{% else %} {{ other.alone | signed(1) }}{% endif %}){{ '。' if loop.last else '、' }}
            {% endfor %}{% endfor %}""",
    )
    words = Words(
        en="""{% if measured is none %}All choices together do not finish at {{ size }}
            {%- else %}All choices together fail at {{ size }}: {{ measured | signed(1) }} % of the loss against the baseline{% endif %}
            {#- #}, where the sum of their effects alone says {{ predicted | signed(1) }} %.
            {% if out %}At fault {{ 'is' if out | length == 1 else 'are' }}
            {% for one in out %}
            {{- ', then ' if not loop.first else ' ' }}{{ one.value }} of {{ one.idea }} (alone
            {%- if one.alone is none %} it does not finish{% else %} at {{ one.alone | signed(1) }} %{% endif %}; without it the rest is at {{ one.rest | signed(1) }} %, by
            {{ one.seeds }} {{ 'seed' | plural(one.seeds) }}
            {%- if one.instead %}; without {{ one.instead | join(' or ') }} instead it does not fail either{% endif %})
            {%- endfor %}. {% if holds %}What is left no longer clearly fails.{% else %}What is left still fails.{% endif %}
            {% if there is not none %}
            {{- ' ' }}Alone at that size the choices come to {{ there | signed(1) }} %:
            {% if clash %}together they are worse, so they spoil each other.
            {% else %}together they are no worse, so it is their effects that do not carry over from where their ideas compared them.{% endif %}
            {% endif %}
            {% else %}Which of them is at fault is not known.{% endif %}""",
        ja="""{% if measured is none %}{{ size }} で全選択の組み合わせは完了しません
            {% else %}{{ size }} で全選択は両立せず、基準に対する損失差は {{ measured | signed(1) }} %{% endif %}(単独効果の和は {{ predicted | signed(1) }} %)。
            {% if out %}原因は
            {% for one in out %}
            {{ '、次いで' if not loop.first else '' }} {{ one.idea }} の {{ one.value }}(単独では
            {%- if one.alone is none %}完了せず{% else %} {{ one.alone | signed(1) }} %{% endif %}、これを外すと残りは {{ one.rest | signed(1) }} %、{{ one.seeds }} シード
            {%- if one.instead %}。代わりに {{ one.instead | join(' か ') }} を外しても両立する{% endif %})
            {%- endfor %}。{% if holds %}残りは明らかな失敗ではなくなります。{% else %}残りもまだ両立しません。{% endif %}
            {% if there is not none %}この規模での単独効果の和は {{ there | signed(1) }} %で、
            {% if clash %}組み合わせはそれより悪く、互いに損ない合っています。
            {% else %}組み合わせはそれより悪くなく、各アイデアで測った効果がこの規模に及ばないためです。{% endif %}{% endif %}
            {% else %}どれが原因かは不明です。{% endif %}""",
    )

    size: str
    measured: Interval | None
    predicted: float
    there: float | None
    clash: bool
    out: tuple[LeftOutOne, ...]
    holds: bool

    @classmethod
    def of(
        cls, size: str, measured: Interval | None, predicted: float, there: float | None, clash: bool,
        out: Sequence[LeftOutOne], holds: bool,
    ) -> AtFault:  # fmt: skip
        finding = cls(
            size=size, measured=measured, predicted=predicted, there=there, clash=clash, out=tuple(out), holds=holds
        )
        return finding.drawn_from() if out else finding

    def draw(self) -> Figure:
        """A row a choice: itself alone, and the rest without it, a block a turn; the label says which was left out for good."""
        figure, (ax,) = canvas(width=8.4, height=1.8 + 0.34 * (1 + sum(len(one.tried) for one in self.out)))
        labels: list[str] = []
        if self.measured is not None:
            labels.append("all together")
            ax.plot(self.measured[1], 0, marker="D", ms=8, color=PALETTE[1], ls="", label="all together")
        for turn, one in enumerate(self.out):
            if labels:
                ax.axhline(len(labels) - 0.5, color=MUTED, lw=0.8, ls=":")
            for place, other in enumerate(sorted(one.tried, key=lambda other: (other.rest is None, other.rest))):
                y, first = len(labels), turn == place == 0
                fault = other.value == one.value
                labels.append(f"{'also ' if turn else ''}without {other.value}{': at fault' if fault else ''}")
                if other.rest is None:
                    ax.annotate(
                        "did not finish", (0.99, y), xycoords=("axes fraction", "data"), ha="right", va="center"
                    )
                else:
                    name = "the rest without it" if first else None
                    ax.plot(other.rest, y, marker="s", ms=8, color=PALETTE[0] if fault else MUTED, ls="", label=name)
                if turn == 0 and other.alone is not None:
                    name = "this choice alone" if first else None
                    ax.plot(other.alone, y, marker="o", ms=8, mfc="none", color=INK, ls="", label=name)
        ax.axvline(0, color=INK, lw=1)
        ax.set_yticks(range(len(labels)), [wrapped(label, 44) for label in labels], color=INK)
        ax.set_ylim(len(labels) - 0.4, -0.6)
        ax.grid(axis="y", visible=False)
        ax.legend(loc="best")
        figure.supxlabel(
            f"difference to the baseline at {self.size} (% of the loss);\nall together: mean of the seeds, else the first seed",
            fontsize=10,
        )
        return figure
