"""The best batch size, by length of run and by width."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studylib.analysis import CarriedOptimum, Valley
from studylib.findings._figures.style import INK, MUTED, canvas, look, ticks
from studylib.findings._finding import Finding, Range
from studylib.findings._law import Law
from studylib.frozen import Frozen
from studylib.numbers import short
from studylib.result import Text
from studylib.words import Words


class Cell(Frozen):
    """One width and length of run; ``best`` in tokens a step, None where it is not known: at an end, or no valley fits."""

    width: int
    tokens: int
    best: float | None
    interval: Range | None


class BestBatch(Finding):
    """The ``law`` over training tokens (and size), or the ``reason`` why there is none.

    ``exponent``: the learning rate goes with the batch to this power; ``rates``: how many were tried about that.
    """

    name = "batches"
    title = Words(
        en="""
            {% if law is none %}A best batch is found in {{ cells | rejectattr('best', 'none') | list | length }} of
            {{ cells | length }} cells: no law, nothing is carried to the target
            {% else %}The best batch goes with training tokens to the power
            {% for one in law.powers if one.of == 'tokens' %}{{ one.power | fixed(2) }}{% endfor %}{% endif %}""",
        ja="""
            {% if law is none %}最適バッチが定まったのは {{ cells | length }} 条件中
            {{ ' ' }}{{ cells | rejectattr('best', 'none') | list | length }}:法則は求まらず目標へ外挿しない
            {% else %}最適バッチは学習トークン数の
            {% for one in law.powers if one.of == 'tokens' %} {{ one.power | fixed(2) }} {% endfor %}乗に従う{% endif %}""",
    )
    alt = Words(
        en="""Loss against tokens a step by length of run, each batch at its best rate, and the best batch against that length:
            {% for one in cells %}
            {{ one.width }} wide, {{ one.tokens | short }} tokens: {% if one.best is none %}not found{% else %}{{ one.best | short }}
            {%- if one.interval is not none %}, within {{ one.interval | short }}{% endif %}{% endif %}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""学習の長さごとの、バッチ(1 ステップのトークン数)と損失の関係および最適バッチ:
            {% for one in cells %}
            幅 {{ one.width }}、{{ one.tokens | short }} トークン:{% if one.best is none %}定まらず{% else %}{{ one.best | short }}
            {%- if one.interval is not none %}(区間 {{ one.interval | short }}){% endif %}{% endif %}{{ '。' if loop.last else ';' }}
            {% endfor %}""",
    )
    words = Words(
        en="""The learning rate goes with the batch to the power {{ exponent | num }}, tried at {{ rates }}
            {{ 'multiple' | plural(rates) }} of that.
            {% if law is not none %}The best batch, in tokens a step, {{ law.told }}
            {% else %}No law is carried to the target{% if reason is not none %}: {{ reason }}{% endif %}.{% endif %}""",
        ja="""学習率はバッチの {{ exponent | num }} 乗に比例させ、その {{ rates }} 通りの倍率で試しました。
            {% if law is not none %}最適バッチ(1 ステップのトークン数)は{{ law.told }}
            {% else %}目標へ外挿できる法則は求まりません{% if reason is not none %}:{{ reason }}{% endif %}。{% endif %}""",
    )

    cells: tuple[Cell, ...]
    exponent: float
    rates: int
    law: Law | None
    reason: Text | None

    @classmethod
    def of(
        cls,
        trials: pl.DataFrame,
        fits: Mapping[int, Mapping[int, Valley]],
        carried: CarriedOptimum | None,
        reason: Text | None,
        *,
        exponent: float,
        rates: int,
    ) -> BestBatch | None:
        """``trials``: ``width, tokens, batch_tokens, val_bpb, seed``, each batch at its best rate; ``fits`` by width and training tokens.

        None where no cell has a valley.
        """
        cells = tuple(
            Cell(width=width, tokens=tokens, best=fit.optimum, interval=fit.interval)
            for width, own in fits.items()
            for tokens, fit in own.items()
        )
        if not cells:
            return None
        return cls(cells=cells, exponent=exponent, rates=rates, law=Law.of(carried), reason=reason).drawn_from(
            trials, fits, carried
        )

    def draw(
        self, trials: pl.DataFrame, fits: Mapping[int, Mapping[int, Valley]], law: CarriedOptimum | None
    ) -> Figure:
        """Loss above the best batch's, a panel a width; then the optima against the length, and the law through them."""
        done = trials.filter(pl.col("val_bpb").is_finite().fill_null(False))
        figure, axes = canvas(1, len(fits) + 1, width=max(7.2, 3.7 * (len(fits) + 1)), height=4.4)
        lengths = sorted({tokens for one in fits.values() for tokens in one})
        for ax, (width, by_length) in zip(axes, fits.items(), strict=False):
            for tokens, fit in by_length.items():
                own = _above_best(done.filter((pl.col("width") == width) & (pl.col("tokens") == tokens)))
                style = look(lengths.index(tokens))
                sns.lineplot(
                    own.to_pandas(), x="batch_tokens", y="above", ax=ax, errorbar=("pi", 100), markersize=6,
                    label=f"{short(tokens)} tokens", err_kws={"alpha": 0.15, "lw": 0}, legend=False, **style,
                )  # fmt: skip
                if fit.optimum is not None:
                    ax.axvline(fit.optimum, color=style["color"], ls=style["linestyle"], lw=1)
            ax.set_xscale("log", base=2)
            sizes = sorted(done["batch_tokens"].unique())
            ticks(ax.xaxis, sizes[:: -(-len(sizes) // 6)], short)
            ax.text(0.5, 0.985, f"{width} wide", transform=ax.transAxes, ha="center", va="top", fontweight="bold")
            ax.set(xlabel="batch (tokens a step)", ylabel="loss above the best batch's\n(bits per byte)")
        _optima(axes[-1], fits, law)
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=9)
        return figure


def _above_best(rows: pl.DataFrame) -> pl.DataFrame:
    """Each seed's loss above the mean of the best batch, in that seed's own level: seeds differ alike at all batches."""
    means = rows.group_by("batch_tokens").agg(pl.col("val_bpb").mean()).sort("val_bpb")
    level = rows.group_by("seed").agg(pl.col("val_bpb").mean().alias("level"))
    least, middle = float(means["val_bpb"][0]), float(level["level"].mean())
    shifted = pl.col("val_bpb") - (pl.col("level") - middle) - least
    return rows.join(level, on="seed").select("batch_tokens", shifted.alias("above"))


def _optima(ax: Axes, fits: Mapping[int, Mapping[int, Valley]], law: CarriedOptimum | None) -> None:
    for index, (width, by_length) in enumerate(fits.items()):
        style = look(index)
        for tokens, fit in by_length.items():
            if fit.optimum is None or fit.interval is None:
                if fit.edge is not None:
                    ax.plot(tokens, fit.edge, "x", color=style["color"], ms=8, mew=2)
                continue
            error = [
                [fit.optimum - min(fit.interval[0], fit.optimum)],
                [max(fit.interval[1], fit.optimum) - fit.optimum],
            ]
            ax.errorbar(tokens, fit.optimum, error, fmt=style["marker"], color=style["color"], capsize=4, ms=8)
        ax.plot([], [], style["marker"], color=style["color"], label=f"{width} wide")
    if any(fit.optimum is None and fit.edge is not None for one in fits.values() for fit in one.values()):
        ax.plot([], [], "x", color=INK, mew=2, ls="", label="not bracketed, nearest end")
    if law is not None:
        _line(ax, fits, law)
    ax.set_xscale("log")
    ax.set_yscale("log", base=2)
    ticks(ax.xaxis, sorted({tokens for one in fits.values() for tokens in one}), short)
    tried = [end for one in fits.values() for fit in one.values() for end in fit.sampled]
    low, high = ax.get_ylim()
    # what was tried, or one tick alone may be left
    ax.set_ylim(min(low, min(tried) / 1.1), max(high, max(tried) * 1.1))
    ax.yaxis.set_major_formatter(lambda value, _: short(value))
    ax.set(xlabel="training tokens", ylabel="best batch (tokens a step)")
    ax.legend(fontsize=9, loc="best")


def _line(ax: Axes, fits: Mapping[int, Mapping[int, Valley]], law: CarriedOptimum) -> None:
    """The law over tokens, at the size of the widest model where it knows sizes."""
    *_, widest = fits.values()
    lengths = np.geomspace(min(widest), max(widest), 20)
    scale = law.optimum[1]
    size = next(iter(widest.values())).params
    if "params" in law.exponents:
        scale *= (size / law.target["params"]) ** law.exponents["params"][1]
    ax.plot(
        lengths,
        scale * (lengths / law.target["tokens"]) ** law.exponents["tokens"][1],
        color=MUTED,
        lw=1.4,
        label="law",
    )
