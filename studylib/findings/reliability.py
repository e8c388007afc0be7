"""What a ranking at a small size is worth at a large one, and how that was earned."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studylib import analysis
from studylib.analysis.track_record import HeldPairs, TrackRecord
from studylib.findings._figures.style import INK, MUTED, PALETTE, canvas, look, ticks
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Fraction, Frozen
from studylib.result import Text
from studylib.words import Words

_CHOICES = {
    "corpora": Text(en="corpora", ja="コーパス"),
    "shapes": Text(en="shapes", ja="形状"),
    "rates": Text(en="learning rates", ja="学習率"),
    "variants": Text(en="variants", ja="変種"),
}
# DataDecide (arXiv 2504.11393): 25 corpora, one size of 150M against 1B, about so many pairs right.
_PUBLISHED_TIMES, _PUBLISHED = 1e9 / 150e6, 0.80
_GAPS = (0.5, 100.0)


class Kind(Frozen):
    """Pairs of one kind of choice that were looked at on public ladders, and those whose order held; ``memory`` in decades."""

    choice: Text
    pairs: int
    held: int
    memory: Interval


class Reliability(Finding):
    """``times``: the target over the largest size trained. There ``left`` of an effect remains and any two variants keep their order with
    ``holds``. ``own``: the study's own sizes were looked at too. ``published``: what the curve says where DataDecide counted."""

    name = "reliability"
    title = Words(
        en="""At {{ times | num }} times the size, two variants keep their order with probability {{ holds[1] | percent }}
            ({{ (holds[0], holds[2]) | percent }})""",
        ja="""規模 {{ times | num }} 倍では、2 案の順位が保たれる確率は {{ holds[1] | percent }}
            ({{ (holds[0], holds[2]) | percent }})""",
    )
    alt = Words(
        en="""
            Left: probability that the order of two variants holds, against the factor of sizes, with its 90 % band, and the shares counted on
            public ladders; a cross marks DataDecide (about 80 % of pairs from 150M to 1B), where the curve says {{ published | percent }}.
            Right: the same against the gap over the noise. Counted:
            {% for one in kinds %}
            {{ one.choice }} {{ one.held }} of {{ one.pairs }} pairs held, memory {{ one.memory | num }} decades{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""
            左:規模の倍率に対する、2 案の順位が保たれる確率(90 % 帯)と公開データで数えた割合。×印は DataDecide(150M から 1B で約 80 %)で、曲線では
            {{ ' ' }}{{ published | percent }}。右:差とノイズの比に対する同じ確率。数えた結果:
            {% for one in kinds %}
            {{ one.choice }}は {{ one.pairs }} 組中 {{ one.held }} 組が一致、記憶長 {{ one.memory | num }} 桁{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""
            True effects at a size and at {{ times | num }} times that size have the correlation {{ left | fixed(2) }}; it forgets itself
            over {{ memory | num }} decades of parameters (90 % intervals). This is measured on public ladders where both sizes were trained
            {%- if own %}, and on this study's own sizes{% endif %}; rankings of extreme shapes and of corpora on text of their own kind hold
            longer than close calls do.""",
        ja="""
            ある規模とその {{ times | num }} 倍の規模での真の効果の相関は {{ left | fixed(2) }} で、パラメータ数の {{ memory | num }} 桁で
            忘却される(90 % 区間)。両方の規模が学習された公開データ
            {%- if own %}と本研究自身の規模{% endif %}で測定した。極端な形状や、自分と同種の文章に対するコーパスの順位は、僅差の比較より長く保たれる。""",
    )

    times: float
    memory: Interval
    left: tuple[Fraction, Fraction, Fraction]
    holds: tuple[Fraction, Fraction, Fraction]
    published: tuple[Fraction, Fraction, Fraction]
    kinds: tuple[Kind, ...]
    own: bool

    @classmethod
    def of(cls, known: analysis.Reliability, record: TrackRecord, times: float, *, own: bool = False) -> Reliability:
        """``record`` is what the pairs were counted in; ``own``: ``known`` was updated by the study's own effects."""
        low, middle, high = (float(end) for end in np.quantile(known.correlation(times), (0.05, 0.5, 0.95)))
        kinds = tuple(
            Kind(
                choice=_CHOICES.get(one.choice, Text(en=one.choice, ja=one.choice)), memory=one.memory,
                pairs=sum(row.pairs for row in record.pairs if row.choice == one.choice),
                held=sum(row.held for row in record.pairs if row.choice == one.choice),
            )
            for one in record.choices
        )  # fmt: skip
        found = cls(
            times=times, memory=known.interval, left=(low, middle, high), holds=known.pair_holds(times),
            published=known.pair_holds(_PUBLISHED_TIMES), kinds=kinds, own=own,
        )  # fmt: skip
        return found.drawn_from(known, record.pairs, record.spread_over_noise)

    def draw(self, known: analysis.Reliability, pairs: Sequence[HeldPairs], spread: float) -> Figure:
        figure, (left, right) = canvas(1, 2, width=9.2, height=4.4, sharey=True)
        _over_factor(left, known, pairs, self.times)
        _over_gap(right, known, pairs, spread)
        left.set_ylim(0.4, 1.02)
        left.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        left.set(xlabel="times the size", ylabel="P(two variants keep their order)")
        right.set(xlabel="gap over the noise of a difference, at the smaller size", ylabel="")
        for ax in (left, right):
            ax.axhline(0.5, color=MUTED, lw=1, ls=":")
            ax.legend(loc="lower left" if ax is left else "lower right", fontsize=8.5, framealpha=0.85, frameon=True)
        return figure


def _over_factor(ax: Axes, known: analysis.Reliability, pairs: Sequence[HeldPairs], times: float) -> None:
    factors = np.geomspace(1.2, max(1000.0, 1.3 * times), 80)
    low, middle, high = np.array([known.pair_holds(one) for one in factors]).T
    ax.fill_between(factors, low, high, color=PALETTE[0], alpha=0.15, lw=0)
    ax.plot(factors, middle, color=PALETTE[0], label="any two variants, 90 %")
    for index, choice in enumerate(dict.fromkeys(one.choice for one in pairs), start=1):
        own = [one for one in pairs if one.choice == choice]
        bins = sorted({one.factor for one in own})
        counted = [
            [sum(getattr(one, what) for one in own if one.factor == edges) for what in ("held", "pairs")]
            for edges in bins
        ]
        _points(ax, [math.sqrt(a * b) for a, b in bins], counted, index, f"counted: {choice}")
    ax.plot(_PUBLISHED_TIMES, _PUBLISHED, "x", color=INK, ms=11, mew=2.4, ls="", label="DataDecide, 150M to 1B")
    ax.axvline(times, color=INK, lw=1.2, ls="--")
    ax.text(times, 0.975, " target", color=INK, fontsize=9, ha="right" if times > 50 else "left")
    ax.set_xscale("log")


def _over_gap(ax: Axes, known: analysis.Reliability, pairs: Sequence[HeldPairs], spread: float) -> None:
    """A line a factor, and the pairs of all choices in its bin."""
    gaps = np.geomspace(*_GAPS, 60)
    # Where the gap is more than twice the usual spread, the spread is not the usual one.
    for index, edges in enumerate(sorted({one.factor for one in pairs})):
        style, factor = look(index), math.sqrt(edges[0] * edges[1])
        middle = [known.holds(factor, gap, spread_over_noise=max(spread, gap / 2), noise_there=1.0)[1] for gap in gaps]
        ax.plot(gaps, middle, color=style["color"], ls=style["linestyle"], lw=1.6)
        own = [one for one in pairs if one.factor == edges]
        bins = sorted({one.gap for one in own})
        counted = [
            [sum(getattr(one, what) for one in own if one.gap == ends) for what in ("held", "pairs")] for ends in bins
        ]
        places = [min(math.sqrt(max(a, 0.5) * b), 0.8 * _GAPS[1]) for a, b in bins]
        _points(ax, places, counted, index, f"{edges[0]:g} to {edges[1]:g} times the size")
    ax.set_xscale("log")
    ticks(ax.xaxis, (1, 4, 16, 64))


def _points(ax: Axes, places: Sequence[float], counted: Sequence[Sequence[int]], index: int, label: str) -> None:
    """Shares with the size of the mark by the number of pairs."""
    style = look(index)
    for number, (place, (held, count)) in enumerate(zip(places, counted, strict=True)):
        size = 3.0 + 2.2 * math.log10(1 + count)
        ax.plot(
            place, held / count, marker=style["marker"], ms=size, color=style["color"], mec="white", ls="",
            label=label if number == 0 else None,
        )  # fmt: skip
