"""Titles and text alternatives of idea 2's figures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import polars as pl

from studylib.analysis import Additivity
from studylib.ideas._shared import effects, leaders, speed
from studylib.ideas._shared.numbers import signed
from studylib.result import Text

VARIANT = Text(en="variant", ja="案")


SUMS = {
    "adds up": Text(en="the gains add up", ja="足し合わせられる"),
    "less": Text(en="less than their sum", ja="和より小さい"),
    "more": Text(en="more than their sum", ja="和より大きい"),
    "unclear": Text(en="within the noise of their sum", ja="和との差は誤差内"),
}


effects_title, effects_alt = effects.effects_title, effects.effects_alt
slopes_title, slopes_alt = effects.slopes_title, effects.slopes_alt


def sums_title(found: Sequence[Additivity]) -> Text:
    last = found[-1]
    return Text(
        en=f"At {last.size} the best of each factor together bring {last.measured[1]:+.4f} bits per byte, their single effects "
        f"{last.predicted[1]:+.4f}: {SUMS[last.state].en}",
        ja=f"{last.size} で各因子の最良案を合わせると {last.measured[1]:+.4f} bits/byte、単独効果の和は "
        f"{last.predicted[1]:+.4f}:{SUMS[last.state].ja}",
    )


def sums_alt(found: Sequence[Additivity]) -> Text:
    en = "; ".join(f"{one.size}: predicted {signed(one.predicted)}, measured {signed(one.measured)}" for one in found)
    ja = "、".join(f"{one.size}:予測 {signed(one.predicted, '〜')}、実測 {signed(one.measured, '〜')}" for one in found)
    parts = ", ".join(found[-1].parts)
    return Text(
        en=f"Single effects of {parts}, their sum and the combination, bits per byte against the baseline. {en}.",
        ja=f"{parts} の単独効果、その和、組み合わせの実測(基準との差、bits/byte)。{ja}。",
    )


def contexts_title(table: pl.DataFrame) -> Text:
    known = table.filter(pl.col("rise").is_not_null())
    if known.is_empty():
        return Text(en="No variant reads beyond its context", ja="学習した文脈長を超えて読める案はない")
    best, worst, times = known.row(0, named=True), known.row(-1, named=True), table["times"].max()
    if len(known) == 1:
        return Text(
            en=f"At {times:g} times the trained context the loss of {best['variant']} changes by {best['rise']:+.2f} nats a token",
            ja=f"学習時の {times:g} 倍の文脈で {best['variant']} の損失は {best['rise']:+.2f} nats 変化",
        )
    return Text(
        en=f"At {times:g} times the trained context {best['variant']} changes by {best['rise']:+.2f} nats a token, "
        f"{worst['variant']} by {worst['rise']:+.2f}",
        ja=f"学習時の {times:g} 倍の文脈で {best['variant']} の損失は {best['rise']:+.2f} nats、{worst['variant']} は "
        f"{worst['rise']:+.2f} nats 変化",
    )


def contexts_alt(table: pl.DataFrame) -> Text:
    def listed(unknown: str) -> str:
        return ", ".join(
            f"{name} {rise:+.2f}" if rise is not None else f"{name} {unknown}"
            for name, rise in table.select("variant", "rise").rows()
        )

    return Text(
        en=f"Change of the validation loss with context length, a line a variant. At the longest, nats a token: "
        f"{listed('cannot')}.",
        ja=f"文脈長に対する検証損失の変化。案ごとに 1 本の線。最長での変化(nats/トークン):{listed('不可')}。",
    )


def rates_title(basins: pl.DataFrame, difference: pl.DataFrame | None) -> Text:
    means = (
        basins.group_by("variant", maintain_order=True).agg(pl.col("sensitivity", "width").mean()).sort("sensitivity")
    )
    flat, steep = means.row(0, named=True), means.row(-1, named=True)
    sure = difference is not None and bool(((difference["high"] < 0) | (difference["low"] > 0)).any())
    tail_en = "" if sure else ", within the noise"
    tail_ja = "" if sure else "(基準との差は誤差内)"
    return Text(
        en=f"A wrong learning rate costs {flat['variant']} least ({flat['sensitivity']:.4f} bits per byte) and "
        f"{steep['variant']} most ({steep['sensitivity']:.4f}){tail_en}",
        ja=f"学習率のずれによる平均損失は {flat['variant']} が最小({flat['sensitivity']:.4f})、{steep['variant']} が最大"
        f"({steep['sensitivity']:.4f} bits/byte){tail_ja}",
    )


def rates_alt(basins: pl.DataFrame) -> Text:
    means = basins.group_by("variant", maintain_order=True).agg(pl.col("sensitivity", "width").mean())
    listed = "; ".join(f"{name} {cost:.4f}, {width:.1f} oct" for name, cost, width in means.rows())
    return Text(
        en="Validation loss against learning rate, a line a variant, the range of seeds shown. Mean cost of the rates tried and "
        f"octaves within 1 % of the best: {listed}.",
        ja=f"学習率に対する検証損失。案ごとに 1 本の線(帯はシードの範囲)。平均損失と、最良から 1 % 以内の幅(オクターブ):{listed}。",
    )


p_best_title, p_best_alt = leaders.p_best_title, partial(leaders.p_best_alt, subject=VARIANT)
speed_title, speed_alt = speed.speed_title, partial(speed.speed_alt, subject=VARIANT)
