"""Whether the best learning rate stays where it is while models widen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure

from studylib.analysis import NoiseFloor, RateTransfer, Valley
from studylib.errors import invalid
from studylib.findings._figures.style import INK, LOSS, canvas, look, ticks
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.result import Text
from studylib.words import Words


class Best(Frozen):
    """The best rate of one width; None where it is not known: at an end, or no valley fits."""

    width: int
    rate: float | None


class Moved(Frozen):
    """Of one parametrisation, from the narrowest to the widest.

    ``given_away``: by the narrowest model's rate on the widest, bits per byte; ``felt``: more than the seeds can detect.
    ``reason``: why there is no ``shift``.
    """

    init: str
    state: Literal["transfers", "moves", "open"]
    octaves: Interval | None
    given_away: float | None
    felt: bool
    reason: Text | None
    best: tuple[Best, ...]


class RateOverWidths(Finding):
    name = "rates"
    title = Words(
        en="""From {{ narrowest }} to {{ widest }} wide,
            {% for one in inits %}
            under {{ one.init }} the best rate {{ {'transfers': 'stays where it is', 'moves': 'moves', 'open': 'cannot be said to stay or to move'}
            [one.state] }}{% if one.octaves is not none %} ({{ one.octaves[1] | signed(1) }} octaves){% endif %}{{ '' if loop.last else '; ' }}
            {%- endfor %}""",
        ja="""幅 {{ narrowest }}〜{{ widest }}:
            {% for one in inits %}
            {{ one.init }} では最適学習率は{{ {'transfers': '動かない', 'moves': '動く', 'open': '動くとも動かないとも言えない'}[one.state] }}
            {% if one.octaves is not none %}({{ one.octaves[1] | signed(1) }} オクターブ){% endif %}{{ '' if loop.last else '、' }}
            {%- endfor %}""",
    )
    alt = Words(
        en="""Validation loss against learning rate, a line a width, a panel a parametrisation. Optima:
            {% for one in inits %}{{ one.init }}
            {% for own in one.best %}
            {{ own.rate | num if own.rate is not none else 'not found' }} at {{ own.width }}{{ '' if loop.last else ', ' }}
            {%- endfor %}{{ '.' if loop.last else '; ' }}{% endfor %}""",
        ja="""学習率に対する検証損失。幅ごとに 1 本、パラメータ化ごとに 1 枠。最適点:
            {% for one in inits %}{{ one.init }} は
            {% for own in one.best %}
            幅 {{ own.width }} で{{ ' ' ~ own.rate | num if own.rate is not none else '定まらず' }}{{ '' if loop.last else '、' }}
            {%- endfor %}{{ '。' if loop.last else ';' }}{% endfor %}""",
    )
    words = Words(
        en="""Transfer over widths.
            {% for one in inits %}
            Under {{ one.init }}{% if one.octaves is none %} it is open{% if one.reason is not none %}: {{ one.reason }}{% endif %}
            {%- else %}, the best rate moves by {{ one.octaves | signed(1) }} octaves
            {%- if one.given_away is not none %}; the narrowest model's rate gives away
            {{ ' ' }}{% if one.felt %}{{ one.given_away | fixed(3) }} bits per byte{% else %}nothing that these seeds can detect{% endif %} on the widest
            {%- endif %}
            {%- endif %}.
            {% endfor %}""",
        ja="""幅への転移。
            {% for one in inits %}
            {{ one.init }} では{% if one.octaves is none %}未決です{% if one.reason is not none %}({{ one.reason }}){% endif %}
            {%- else %}最適学習率は {{ one.octaves | signed(1) }} オクターブ動きます
            {%- if one.given_away is not none %}(最も狭いモデルの学習率を最も広いモデルに使うと
            {%- if one.felt %} {{ one.given_away | fixed(3) }} bits/byte の損{% else %}、損は検出できない程度{% endif %})
            {%- endif %}
            {%- endif %}。
            {% endfor %}""",
    )

    narrowest: int
    widest: int
    inits: tuple[Moved, ...]

    @classmethod
    def of(
        cls,
        trials: pl.DataFrame,
        fits: Mapping[str, Mapping[int, Valley]],
        transfers: Mapping[str, RateTransfer],
        noise: NoiseFloor,
    ) -> RateOverWidths | None:
        """``trials``: ``learning_rate, width, init, val_bpb, seed``; ``fits`` by parametrisation and width. None without fits."""
        if not fits:
            return None
        widths = sorted(width for own in fits.values() for width in own)
        inits = tuple(
            Moved(
                init=init, state=one.state, octaves=one.shift, given_away=one.given_away, reason=one.reason,
                felt=one.given_away is not None and one.given_away >= noise.mde,
                best=tuple(Best(width=width, rate=fit.optimum) for width, fit in fits[init].items()),
            )
            for init, one in transfers.items()
        )  # fmt: skip
        drawn = trials.filter(pl.col("init").is_in(list(fits)))
        return cls(narrowest=widths[0], widest=widths[-1], inits=inits).drawn_from(drawn, fits)

    def draw(self, trials: pl.DataFrame, fits: Mapping[str, Mapping[int, Valley]]) -> Figure:
        """A panel a parametrisation; the fitted optimum with its interval below."""
        done = trials.filter(pl.col("val_bpb").is_finite().fill_null(False))
        if done.is_empty():
            raise invalid("trials", "init", "has no finished trial to draw")
        figure, axes = canvas(1, len(fits), width=3.9 * len(fits), height=4.6, sharey=True)
        # One scale for all panels. What diverged nearly, far above everything, would press the basins flat.
        least = float(done["val_bpb"].min())
        top = min(float(done["val_bpb"].max()), least * 1.45)
        step = 0.045 * (top - least)
        for ax, (name, by_width) in zip(axes, fits.items(), strict=True):
            own = done.filter(pl.col("init") == name)
            for index, (width, fit) in enumerate(by_width.items()):
                style = look(index)
                frame = own.filter(pl.col("width") == width).select("learning_rate", "val_bpb").to_pandas()
                sns.lineplot(
                    frame, x="learning_rate", y="val_bpb", ax=ax, errorbar=("pi", 100), label=f"{width} wide",
                    color=style["color"], linestyle=style["linestyle"], marker=style["marker"], markersize=6,
                    err_kws={"alpha": 0.15, "lw": 0}, legend=False,
                )  # fmt: skip
                y = least - (index + 1.5) * step
                if fit.optimum is None or fit.interval is None:
                    if fit.edge is not None:
                        ax.plot(fit.edge, y, "x", color=style["color"], ms=7, mew=2)
                    continue
                ax.plot(fit.interval, [y, y], color=style["color"], lw=2.4, solid_capstyle="butt")
                ax.plot(fit.optimum, y, marker=style["marker"], color=style["color"], ms=8, mec=INK)
            ax.set_xscale("log")
            ax.set_ylim(least - (max(map(len, fits.values())) + 1.8) * step, top + 2 * step)
            rates = sorted(own["learning_rate"].unique())
            ticks(ax.xaxis, rates[:: -(-len(rates) // 6)])
            ax.text(0.5, 0.985, name, transform=ax.transAxes, ha="center", va="top", fontsize=10.5, fontweight="bold")
            ax.set(xlabel="learning rate (log scale)", ylabel=LOSS)
        handles = dict(zip(*reversed(axes[0].get_legend_handles_labels()), strict=True))
        handles["below: optimum, 95 % interval"] = axes[0].plot([], [], "o-", color=INK, mec=INK)[0]
        if any(fit.optimum is None and fit.edge is not None for one in fits.values() for fit in one.values()):
            handles["not bracketed, nearest end"] = axes[0].plot([], [], "x", color=INK, ms=7, mew=2)[0]
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, fontsize=9)
        return figure
