"""What a token is worth in another optimizer: tokens of the reference for the same loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from studylib.analysis import TokensSaved
from studylib.findings._figures.style import INK, canvas, look, named_ticks
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import Words


class AtSize(Frozen):
    """``tokens`` of the reference for one of the variant's; ``inside``: among the lengths that were trained."""

    size: str
    tokens: Interval
    inside: bool


class Worth(Frozen):
    """Of a variant, by size, smallest first."""

    variant: str
    sizes: tuple[AtSize, ...]


class TokenWorth(Finding):
    """The variant that leads at the largest size comes first."""

    name = "token-worth"
    title = Words(
        en="""
            {% set sizes = worth[0].sizes %}
            At {{ sizes[-1].size }} a token of {{ worth[0].variant }} does the work of {{ sizes[-1].tokens | fixed(2) }} of {{ reference }}
            {%- if sizes | length > 1 %}; at {{ sizes[0].size }} of {{ sizes[0].tokens | fixed(2) }}{% endif %}""",
        ja="""
            {% set sizes = worth[0].sizes %}
            {{ worth[0].variant }} の 1 トークンは {{ reference }} の {{ sizes[-1].tokens | fixed(2) }} トークン分({{ sizes[-1].size }})
            {%- if sizes | length > 1 %}、{{ sizes[0].size }} では {{ sizes[0].tokens | fixed(2) }}{% endif %}""",
    )
    alt = Words(
        en="""Tokens of {{ reference }} that one token is worth, with intervals, over the parameters: {{ worth | map(attribute='variant') | join(', ') }}; hollow
            where they lie beyond the lengths that {{ reference }} was trained for.""",
        ja="""1 トークンが {{ reference }} の何トークン分か(区間付き)を規模ごとに示す:{{ worth | map(attribute='variant') | join('、') }}。白抜きは {{ reference }} を学習した
            長さの外。""",
    )
    words = Words(
        en="""One token is worth so many of {{ reference }}:
            {% for own in worth %}
            {{ own.variant }}{% for one in own.sizes %} {{ one.tokens | fixed(2) }} at {{ one.size }}{{ '' if one.inside else ' (beyond the lengths trained)' }}
            {{- '' if loop.last else ',' }}{% endfor %}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""1 トークンの価値({{ reference }} のトークン数で):
            {% for own in worth %}
            {{ own.variant }} {% for one in own.sizes %}{{ one.size }} で {{ one.tokens | fixed(2) }}{{ '' if one.inside else '(学習した長さの外)' }}
            {{- '' if loop.last else '、' }}{% endfor %}{{ '。' if loop.last else ';' }}
            {% endfor %}""",
    )

    reference: str
    worth: tuple[Worth, ...]

    @classmethod
    def of(
        cls, saved: Mapping[str, Sequence[TokensSaved]], params: Mapping[str, float], reference: str
    ) -> TokenWorth | None:
        """``saved`` and ``params`` by size, smallest first. Without intervals that have no end; None where none is left."""
        known: dict[str, list[AtSize]] = {}
        for size, variants in saved.items():
            for one in variants:
                if one.factor[0] > 0 and all(map(math.isfinite, one.factor)):
                    told = AtSize(size=size, tokens=one.factor, inside=one.inside)
                    known.setdefault(one.variant, []).append(told)
        worth = [Worth(variant=name, sizes=tuple(sizes)) for name, sizes in known.items()]
        worth.sort(key=lambda one: (-params[one.sizes[-1].size], -one.sizes[-1].tokens[1]))
        return cls(reference=reference, worth=tuple(worth)).drawn_from(params) if worth else None

    def draw(self, params: Mapping[str, float]) -> Figure:
        """A line a variant over the sizes, with intervals."""
        figure, (ax,) = canvas(width=7.2, height=3.8)
        ax.axhline(1, color=INK, lw=1)
        for index, own in enumerate(self.worth):
            style = look(index)
            shift = 1 + 0.03 * (index - (len(self.worth) - 1) / 2)  # intervals of one size beside each other
            places = [shift * params[one.size] for one in own.sizes]
            ax.plot(places, [one.tokens[1] for one in own.sizes], color=style["color"], ls=style["linestyle"])
            for place, one in zip(places, own.sizes, strict=True):
                low, middle, high = one.tokens
                ax.plot([place, place], [low, high], color=style["color"], lw=2)
                face = style["color"] if one.inside else "white"
                ax.plot(place, middle, marker=style["marker"], color=style["color"], mfc=face, ms=8)
            ax.plot([], [], color=style["color"], marker=style["marker"], ls=style["linestyle"], label=own.variant)
        if not all(one.inside for own in self.worth for one in own.sizes):
            ax.plot([], [], "o", color=INK, mfc="white", label="beyond the lengths trained")
        ax.set_xscale("log")
        labels = {params[one.size]: one.size for own in self.worth for one in own.sizes}
        named_ticks(ax.xaxis, labels)
        ax.margins(x=0.1)
        ax.set(
            xlabel="parameters without embeddings",
            ylabel=f"tokens of {self.reference} for one token\n95 % interval",
        )
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)
        return figure
