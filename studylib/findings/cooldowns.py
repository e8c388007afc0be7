"""One trunk at a constant rate with cooldowns, against a cosine run for every length."""

from __future__ import annotations

import numpy as np
import polars as pl
import seaborn as sns
from matplotlib.figure import Figure

from studylib.findings._figures.style import LOSS, MUTED, PALETTE, canvas, look
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Fraction, Frozen
from studylib.numbers import short
from studylib.words import Words


class Budget(Frozen):
    """``difference``: cooldown minus cosine at so many tokens, percent of the loss."""

    tokens: int
    difference: Interval


class Cooldowns(Finding):
    """``saved``: the share of tokens that the trunk spares; no ``budgets``: too few seeds finished."""

    name = "cooldowns"
    title = Words(
        en="""Cooldowns off one trunk save {{ saved | percent }} of tokens
            {%- if budgets %}; at {{ budgets | length }} {{ 'length' | plural(budgets | length) }} they end
            {{ budgets | map(attribute='difference.0') | min | signed(1) }} to
            {{ budgets | map(attribute='difference.2') | max | signed(1) }} % off cosine runs (95 %){% endif %}""",
        ja="""1 本の幹からの減衰はトークンを {{ saved | percent }} 節約
            {%- if budgets %}。{{ budgets | length }} 通りの長さで cosine との差は
            {{ ' ' }}{{ budgets | map(attribute='difference.0') | min | signed(1) }}〜
            {{- budgets | map(attribute='difference.2') | max | signed(1) }} %(95 %){% endif %}""",
    )
    alt = Words(
        en="""Loss along a trunk at constant rate, the cooldowns that branch off it, and cosine runs of the same lengths.
            {% if budgets %}Cooldown minus cosine, percent of the loss:
            {% for one in budgets %}{{ one.tokens | short }} tokens {{ one.difference | signed(2) }}{{ '.' if loop.last else '; ' }}{% endfor %}
            {% endif %}""",
        ja="""一定学習率の幹、そこから分岐する減衰、同じ長さの cosine 学習の損失。
            {% if budgets %}減衰と cosine の差(損失の %):
            {% for one in budgets %}{{ one.tokens | short }} トークン {{ one.difference | signed(2) }}{{ '。' if loop.last else '、' }}{% endfor %}
            {% endif %}""",
    )

    saved: Fraction
    budgets: tuple[Budget, ...]

    @classmethod
    def of(cls, trials: pl.DataFrame, curves: pl.DataFrame, table: pl.DataFrame, saved: float) -> Cooldowns:
        """``trials`` with ``schedule`` (trunk, wsd, cosine), their ``curves``, and ``tokens, difference, low, high`` by budget."""
        budgets = tuple(
            Budget(tokens=row["tokens"], difference=(row["low"], row["difference"], row["high"]))
            for row in table.iter_rows(named=True)
        )
        ends = trials.filter((pl.col("schedule") != "trunk") & (pl.col("status") == "done"))
        return cls(saved=saved, budgets=budgets).drawn_from(curves, ends)

    def draw(self, curves: pl.DataFrame, ends: pl.DataFrame) -> Figure:
        """Mean and range of seeds; a cooldown starts where its ``starts`` tokens lie on the trunk."""
        rows = curves.filter((pl.col("split") == "validation") & (pl.col("source") == ""))
        figure, (ax,) = canvas(width=7.2, height=4.4)
        trunk = rows.filter(pl.col("schedule") == "trunk").select("tokens", "bpb").to_pandas()
        if len(trunk):
            sns.lineplot(
                trunk,
                x="tokens",
                y="bpb",
                ax=ax,
                errorbar=("pi", 100),
                color=MUTED,
                marker=".",
                label="trunk, constant rate",
                legend=False,
            )
        means = (
            ends.group_by("schedule", "tokens")
            .agg(pl.col("val_bpb").mean(), pl.col("val_bpb").min().alias("low"), pl.col("val_bpb").max().alias("high"))
            .sort("tokens")
        )
        along = rows.filter(pl.col("schedule") == "trunk").group_by("tokens").agg(pl.col("bpb").mean()).sort("tokens")
        for (variant,), own in rows.filter(pl.col("schedule") == "wsd").group_by(["variant"], maintain_order=True):
            means_of = own.group_by("tokens").agg(pl.col("bpb").mean()).sort("tokens")
            start = float(own["starts"][0])  # between two validations of the trunk: read off the line that is drawn
            level = np.interp(start, along["tokens"], along["bpb"])
            x, y = [start, *means_of["tokens"]], [level, *means_of["bpb"]]
            ax.plot(x, y, color=PALETTE[0], lw=1.6, ls="--", label=f"_{variant}")
        for index, (name, label) in enumerate((("wsd", "cooldown off the trunk"), ("cosine", "cosine run of its own"))):
            own = means.filter(pl.col("schedule") == name)
            style = look(index)
            error = np.stack([(own["val_bpb"] - own["low"]).to_numpy(), (own["high"] - own["val_bpb"]).to_numpy()])
            ax.errorbar(
                own["tokens"],
                own["val_bpb"],
                error,
                fmt=style["marker"],
                ms=9 - 2 * index,
                color=style["color"],
                capsize=4,
                label=f"{label}, end",
                zorder=4,
            )
        ends_low = float(ends["val_bpb"].min())
        shown = rows.filter(pl.col("tokens") >= 0.5 * float(ends["tokens"].min()))["bpb"]
        top = max(float(shown.max() or 0), float(ends["val_bpb"].max()))
        ax.set_ylim(ends_low - 0.06 * (top - ends_low), top + 0.04 * (top - ends_low))
        ax.xaxis.set_major_formatter(lambda value, _: short(value))
        ax.set(xlabel="training tokens of the model", ylabel=LOSS)
        figure.legend(
            loc="outside lower center", ncols=3, fontsize=9, title="mean and range of seeds", title_fontsize=9
        )
        return figure
