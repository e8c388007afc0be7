"""Titles and text alternatives of idea 1's figures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import polars as pl

from studylib.analysis import Decision, Valley
from studylib.ideas._shared import leaders, optimum, speed
from studylib.ideas._shared.differences import comparison_alt
from studylib.ideas._shared.numbers import number, span
from studylib.result import Text

SHAPE, ASPECT = Text(en="shape", ja="形状"), Text(en="aspect ratio", ja="最適縦横比")


def valley_title(fits: Sequence[Valley]) -> Text:
    """The finding of the largest budget."""
    last = fits[-1]
    flat_en = f"{span(last.flat)} costs less than 0.2 % more" if last.flat else "none is known to be as good"
    flat_ja = f"{span(last.flat, '〜')} は差 0.2 % 未満" if last.flat else "同等と言える範囲はまだない"
    if last.optimum is None:
        return Text(
            en=f"At {last.budget} the best aspect ratio is not bracketed; {flat_en}",
            ja=f"{last.budget} では最適縦横比が範囲内に定まらない({flat_ja})",
        )
    return Text(
        en=f"At {last.budget}, {number(last.optimum)} wide per layer is best; {flat_en}",
        ja=f"{last.budget} では縦横比 {number(last.optimum)} が最良、{flat_ja}",
    )


def valley_alt(fits: Sequence[Valley]) -> Text:
    panels_en = "; ".join(f"{fit.budget}: flat {span(fit.flat) if fit.flat else 'nowhere known'}" for fit in fits)
    panels_ja = "、".join(f"{fit.budget}:平坦域 {span(fit.flat, '〜') if fit.flat else '不明'}" for fit in fits)
    return Text(
        en=f"Validation bits per byte against aspect ratio (hidden size over layers), one panel a budget. {panels_en}.",
        ja=f"縦横比(隠れ次元 ÷ 層数)に対する検証 bits/byte。予算ごとに 1 枠。{panels_ja}。",
    )


def learning_rate_title(table: pl.DataFrame) -> Text:
    kept = len(table.filter(pl.col("best_factor") == 1.0))
    return Text(
        en=f"The common learning rate is the best of those tried for {kept} of {len(table)} shapes",
        ja=f"共通の学習率は {len(table)} 形状中 {kept} 形状で試した中の最良",
    )


def learning_rate_alt(table: pl.DataFrame) -> Text:
    rows = [f"{name}: x{factor:g}" for name, factor in table.select("variant", "best_factor").rows()]
    return Text(
        en=f"Validation loss against learning rate, a line a shape. Best factor: {', '.join(rows)}.",
        ja=f"学習率に対する検証損失。形状ごとに 1 本の線。最良倍率:{'、'.join(rows)}。",
    )


heads_title = leaders.lead_title


def heads_alt(table: pl.DataFrame, decision: Decision) -> Text:
    return comparison_alt(table, decision.leader)


p_best_title = partial(leaders.p_best_title, agreed=Text(en="leads under every accounting", ja="すべての基準で"))


p_best_alt = partial(leaders.p_best_alt, subject=SHAPE)


def curves_title(trials: pl.DataFrame) -> Text:
    means = trials.group_by("variant").agg(pl.col("val_bpb").mean()).sort("val_bpb").drop_nulls()
    first, last = means.row(0), means.row(-1)
    return Text(
        en=f"{first[0]} ends {100 * (last[1] / first[1] - 1):.1f} % below {last[0]}",
        ja=f"最終損失は {first[0]} が {last[0]} より {100 * (last[1] / first[1] - 1):.1f} % 低い",
    )


def curves_alt(trials: pl.DataFrame) -> Text:
    size = trials["size"][0]
    return Text(
        en=f"Validation bits per byte along training at {size}, mean and range over seeds, a line a shape.",
        ja=f"{size} の学習中の検証 bits/byte。シード平均と範囲、形状ごとに 1 本の線。",
    )


def speed_title(trials: pl.DataFrame) -> Text:
    rates = trials.group_by("variant").agg(pl.col("tokens_per_s").median()).sort("tokens_per_s").drop_nulls()
    slow, fast = rates.row(0), rates.row(-1)
    return Text(
        en=f"{fast[0]} trains {fast[1] / slow[1]:.1f} times as fast as {slow[0]} at equal parameters",
        ja=f"同じパラメータ数でも {fast[0]} は {slow[0]} の {fast[1] / slow[1]:.1f} 倍の速さで学習する",
    )


speed_alt = partial(speed.speed_alt, subject=SHAPE)


carried_title = partial(optimum.carried_title, subject=Text(en="shape", ja="最適な形状"), quantity=ASPECT)
carried_alt = partial(optimum.carried_alt, quantity=ASPECT)
