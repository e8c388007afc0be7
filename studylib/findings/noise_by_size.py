"""How noisy a trial is at each size, beside published reruns, and the seeds that the next size needs."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullLocator

from studylib.analysis.noise_over_sizes import next_noise, noise_by_size
from studylib.analysis.track_record import shipped_record
from studylib.findings._figures.style import INK, MUTED, canvas, look
from studylib.findings._finding import Finding, Interval, Range
from studylib.frozen import Frozen
from studylib.numbers import short
from studylib.words import Words

# Models whose reruns the shipped record of the OLMo ladder (arXiv 2412.04403) is about.
_OLMO: Range = (1.9e8, 3.2e9)


class NoiseAt(Frozen):
    """SD of one trial in percent of the mean ``loss`` (bits per byte), 95 %: seeds' common effects taken out, and over seeds alone."""

    size: str
    params: float
    loss: float
    paired: Interval
    unpaired: Interval


class PublishedNoise(Frozen):
    """SD over reruns in percent of the loss, of models of ``params``; ``by_size``: the least and greatest of the sizes."""

    name: str
    source: str
    params: Range
    percent: float
    by_size: Range | None


class SeedsNeeded(Frozen):
    """For the middle of what is expected of the noise, and for its ends; None: more than 200."""

    few: int | None
    likely: int | None
    many: int | None


class NoiseBySize(Finding):
    """``sizes`` rising; ``next_paired``: expected one step of the ladder further up, percent; ``seeds``: to see ``effect`` percent of the loss
    there."""

    name = "noise-by-size"
    title = Words(
        en="""Paired by seed, a trial's noise is {{ sizes[0].paired[1] | fixed(2) }} % of the loss at {{ sizes[0].size }}
            {%- if sizes | length > 1 %} and {{ sizes[-1].paired[1] | fixed(2) }} % at {{ sizes[-1].size }}{% endif %};
            at {{ next_params | short }} {% if seeds.likely %}about {{ seeds.likely }}{% else %}more than 200{% endif %} seeds would see {{ effect | num }} %""",
        ja="""シード対応後の 1 試行の雑音は {{ sizes[0].size }} で損失の {{ sizes[0].paired[1] | fixed(2) }} %
            {%- if sizes | length > 1 %}、{{ sizes[-1].size }} で {{ sizes[-1].paired[1] | fixed(2) }} %{% endif %}。
            {{ next_params | short }} で {{ effect | num }} % を見るには
            {%- if seeds.likely %}約 {{ seeds.likely }} シード{% else %} 200 シード超{% endif %}""",
    )
    alt = Words(
        en="""Standard deviation of one trial by size, percent of the loss with 95 % interval (and bits per byte), paired by seed, then over seeds alone:
            {% for one in sizes %}
            {{ one.size }} ({{ one.params | short }} parameters) {{ one.paired | fixed(2) }} % ({{ (one.paired[1] * one.loss / 100) | fixed }}),
            {{ one.unpaired | fixed(2) }} % ({{ (one.unpaired[1] * one.loss / 100) | fixed }}){{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""規模別の 1 試行の標準偏差、損失の % と 95 % 区間(括弧内は bits/byte)。シード対応後、続いて対応なし:
            {%- for one in sizes %}
            {{ one.size }}({{ one.params | short }} パラメータ){{ one.paired | fixed(2) }} %({{ (one.paired[1] * one.loss / 100) | fixed }})、
            {{ one.unpaired | fixed(2) }} %({{ (one.unpaired[1] * one.loss / 100) | fixed }}){{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""
            One step of the ladder further up, at {{ next_params | short }} parameters, {{ next_paired | fixed(2) }} % is expected. To see {{ effect | num }} % of
            the loss there, in 4 of 5 studies and after Holm's correction for {{ comparisons }} {{ 'comparison' | plural(comparisons) }}, takes
            {% if seeds.likely %}{{ seeds.likely }}{% else %}more than 200{% endif %} seeds
            ({% if seeds.few %}{{ seeds.few }}{% else %}more than 200{% endif %} if the noise is at the lower end,
            {% if seeds.many %}{{ seeds.many }}{% else %}more than 200{% endif %} at the upper).
            {% if published %}Published reruns, which are not paired: {% for one in published %}
            {{ one.name }}, {{ one.params | short }} parameters, {{ one.percent | num }} %
            {%- if one.by_size %}, {{ one.by_size | num }} by size{% endif %} ({{ one.source }}){{ '.' if loop.last else '; ' }}
            {% endfor %}{% endif %}""",
        ja="""次の規模({{ next_params | short }} パラメータ)で見込まれる雑音は {{ next_paired | fixed(2) }} %。そこで損失の {{ effect | num }} % の差を、
            {{ comparisons }} 件の比較への Holm 補正後に 5 研究中 4 研究で検出するには
            {%- if seeds.likely %} {{ seeds.likely }} シード{% else %} 200 シード超{% endif %}が必要
            (雑音が下端なら{% if seeds.few %} {{ seeds.few }}{% else %} 200 超{% endif %}、上端なら{% if seeds.many %} {{ seeds.many }}{% else %} 200 超{% endif %})。
            {%- if published %}公表された再学習(対応なし):{% for one in published %}
            {{ one.name }}、{{ one.params | short }} パラメータ、{{ one.percent | num }} %
            {%- if one.by_size %}、規模別に {{ one.by_size | num }}{% endif %}({{ one.source }}){{ '。' if loop.last else ';' }}
            {%- endfor %}{% endif %}""",
    )

    sizes: tuple[NoiseAt, ...]
    next_params: float
    next_paired: Interval
    effect: float
    comparisons: int
    seeds: SeedsNeeded
    published: tuple[PublishedNoise, ...]

    @classmethod
    def of(cls, trials: pl.DataFrame, *, effect: float = 0.5) -> NoiseBySize | None:
        """None with fewer than two sizes at which variants are compared.

        Parameters
        ----------
        trials
            One row a trial: ``size, variant, seed, status, non_embedding_params, val_bpb``.
        effect
            Percent of the loss that the next size is to show.
        """
        sizes = noise_by_size(trials)
        if len(sizes) < 2:
            return None
        following = next_noise(sizes, effect=effect)
        few, likely, many = following.seeds
        return cls(
            sizes=tuple(
                NoiseAt(size=one.size, params=one.params, loss=one.loss, paired=one.paired, unpaired=one.unpaired) for one in sizes
            ),
            next_params=following.params, next_paired=following.paired, effect=effect, comparisons=sizes[-1].comparisons,
            seeds=SeedsNeeded(few=few, likely=likely, many=many), published=published(),
        ).drawn_from()  # fmt: skip

    def draw(self) -> Figure:
        """Both axes logarithmic: marks with 95 %, what is expected of the next size open, published reruns far to the right."""
        figure, (ax,) = canvas(width=7.2, height=4.2)
        for index, (name, label) in enumerate((("paired", "paired by seed"), ("unpaired", "over seeds alone"))):
            apart = (0.95, 1.05)[index]
            _marks(
                ax, index, [one.params * apart for one in self.sizes], [getattr(one, name) for one in self.sizes], label
            )
        _marks(ax, 2, [self.next_params], [self.next_paired], "expected of the next size, paired", mfc="white", ls="")
        for place, one in enumerate(self.published):
            ends = one.by_size or (one.percent, one.percent)
            wide, tall = one.params[1] - one.params[0], ends[1] - ends[0]
            ax.add_patch(Rectangle((one.params[0], ends[0]), wide, tall, color=MUTED, alpha=0.25, lw=0))
            ax.plot(one.params, [one.percent] * 2, color=INK, lw=1.4, marker="|", ms=7)
            above = place > 0  # neighbours on the axis: one label under its marks, the others over them
            ax.annotate(
                f"{one.name}\n{one.percent:.2g} %", (one.params[0], ends[above]), (0, 7 if above else -7),
                textcoords="offset points", va="bottom" if above else "top", fontsize=8.5, color=MUTED,
            )  # fmt: skip
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.xaxis.set_major_locator(LogLocator())
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(lambda value, _: short(value))
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.margins(x=0.08)
        low, high = ax.get_ylim()
        ax.set_ylim(low / 2.4, high)  # room for the label below
        ax.set(xlabel="parameters without embeddings", ylabel="SD of one trial (% of the loss)")
        figure.legend(loc="outside lower center", ncols=3, fontsize=9, title="lines: 95 %", title_fontsize=9)
        return figure


def published() -> tuple[PublishedNoise, ...]:
    """Reruns of public ladders as the shipped record has them, and a published standard deviation."""
    record = shipped_record()
    sources = {one.ladder: one for one in record.sources}
    ladders = [
        PublishedNoise(
            name=sources[one.ladder].title, source=f"{sources[one.ladder].repository} @{sources[one.ladder].commit[:8]}",
            params=_OLMO, percent=one.sd_percent, by_size=one.by_size,
        )
        for one in record.reruns
        if one.ladder == "olmo"
    ]  # fmt: skip
    # "about 3.279 mean validation loss (with 0.002 inter-run stddev)", 124M active parameters.
    source = "https://github.com/KellerJordan/modded-nanogpt @0006a9cd, README"
    speedrun = PublishedNoise(
        name="modded-nanogpt", source=source, params=(1.24e8, 1.24e8), percent=0.061, by_size=None
    )
    return (*ladders, speedrun)


def _marks(ax: Axes, index: int, x: Sequence[float], ends: Sequence[Interval], label: str, **style: object) -> None:
    """A mark and its interval at each place."""
    own, middle = look(index), [one[1] for one in ends]
    below, above = [one[1] - one[0] for one in ends], [one[2] - one[1] for one in ends]
    ax.errorbar(
        x, middle, [below, above], color=own["color"], marker=own["marker"], linestyle=style.pop("ls", own["linestyle"]), ms=7, lw=1.2,
        elinewidth=1.3, capsize=3, label=label, **style,
    )  # fmt: skip
