"""Which choices are at fault where all of them together fail: each left out in turn, as often as it takes."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from studylib.findings._figures.style import INK, MUTED, PALETTE, canvas, wrapped
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import Words


class WithoutOne(Frozen):
    """A choice left out; ``rest``: of what is left, percent of the loss against the baseline at one seed; none: it did not finish."""

    value: str
    rest: float | None


class LeftOutOne(Frozen):
    """The choice at fault among those ``tried``; ``rest``: of what is left, mean over ``seeds``; ``instead``: others without which
    the rest does not fail either."""

    value: str
    idea: str
    rest: float
    seeds: int
    instead: tuple[str, ...]
    tried: tuple[WithoutOne, ...]


class AtFault(Finding):
    """``measured``: of all choices, percent of the loss; none: fewer than two trials finished. ``predicted``: the sum of their effects
    alone. ``out``: in the order in which they were left out; ``holds``: whether the rest goes together."""

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
            {{ other.value }} {% if other.rest is none %}not finished{% else %}{{ other.rest | signed(1) }}{% endif %}{{ '.' if loop.last else ', ' }}
            {% endfor %}{% endfor %}""",
        ja="""選択を一つずつ外したときの基準に対する損失差(%)。
            {% for one in out %}{{ '続いて外すと、' if not loop.first else '外すと、' }}
            {% for other in one.tried %}
            {{ other.value }}:{% if other.rest is none %}未完了{% else %}{{ other.rest | signed(1) }}{% endif %}{{ '。' if loop.last else '、' }}
            {% endfor %}{% endfor %}""",
    )
    words = Words(
        en="""{% if measured is none %}All choices together do not finish at {{ size }}
            {%- else %}All choices together fail at {{ size }}: {{ measured | signed(1) }} % of the loss against the baseline{% endif %}
            {#- #}, where the sum of their effects alone says {{ predicted | signed(1) }} %.
            {% if out %}At fault {{ 'is' if out | length == 1 else 'are' }}
            {% for one in out %}
            {{- ', then ' if not loop.first else ' ' }}{{ one.value }} of {{ one.idea }} (without it the rest is at {{ one.rest | signed(1) }} %, by
            {{ one.seeds }} {{ 'seed' | plural(one.seeds) }}
            {%- if one.instead %}; without {{ one.instead | join(' or ') }} instead it does not fail either{% endif %})
            {%- endfor %}. {% if holds %}What is left goes together.{% else %}What is left still fails.{% endif %}
            {% else %}Which of them is at fault is not known.{% endif %}""",
        ja="""{% if measured is none %}{{ size }} で全選択の組み合わせは完了しません
            {% else %}{{ size }} で全選択は両立せず、基準に対する損失差は {{ measured | signed(1) }} %{% endif %}(単独効果の和は {{ predicted | signed(1) }} %)。
            {% if out %}原因は
            {% for one in out %}
            {{ '、次いで' if not loop.first else '' }} {{ one.idea }} の {{ one.value }}(これを外すと残りは {{ one.rest | signed(1) }} %、{{ one.seeds }} シード
            {%- if one.instead %}。代わりに {{ one.instead | join(' か ') }} を外しても両立する{% endif %})
            {%- endfor %}。{% if holds %}残りは両立します。{% else %}残りもまだ両立しません。{% endif %}
            {% else %}どれが原因かは不明です。{% endif %}""",
    )

    size: str
    measured: Interval | None
    predicted: float
    out: tuple[LeftOutOne, ...]
    holds: bool

    @classmethod
    def of(
        cls, size: str, measured: Interval | None, predicted: float, out: Sequence[LeftOutOne], holds: bool
    ) -> AtFault:
        finding = cls(size=size, measured=measured, predicted=predicted, out=tuple(out), holds=holds)
        return finding.drawn_from() if out else finding

    def draw(self) -> Figure:
        """A row a choice left out, a block a turn; what was then left out for good is filled and named in the label."""
        rows: list[tuple[str, float | None, str]] = []
        if self.measured is not None:
            rows.append(("all together", self.measured[1], "all"))
        for turn, one in enumerate(self.out):
            ordered = sorted(one.tried, key=lambda other: (other.rest is None, other.rest))
            for other in ordered:
                kind = "at fault" if other.value == one.value else "other"
                label = f"{'also ' if turn else ''}without {other.value}{': at fault' if kind == 'at fault' else ''}"
                rows.append((label, other.rest, kind))
        figure, (ax,) = canvas(width=8.4, height=1.4 + 0.34 * len(rows))
        looks = {"all": (PALETTE[1], "D"), "at fault": (PALETTE[0], "s"), "other": (MUTED, "o")}
        for y, (_, rest, kind) in enumerate(rows):
            if rest is None:
                ax.annotate("did not finish", (0.98, y), xycoords=("axes fraction", "data"), ha="right", va="center")
            else:
                ax.plot(rest, y, marker=looks[kind][1], ms=8, color=looks[kind][0], ls="")
        y = 0.5 if self.measured is not None else -0.5
        for one in self.out[:-1]:
            y += len(one.tried)
            ax.axhline(y, color=MUTED, lw=0.8, ls=":")
        ax.axvline(0, color=INK, lw=1)
        ax.axvline(self.predicted, color=PALETTE[0], lw=1, ls="--", label="sum of the effects alone")
        ax.set_yticks(range(len(rows)), [wrapped(label, 44) for label, *_ in rows], color=INK)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.grid(axis="y", visible=False)
        ax.legend(loc="lower right")
        figure.supxlabel(f"difference to the baseline at {self.size}, one seed (% of the loss)", fontsize=10)
        return figure
