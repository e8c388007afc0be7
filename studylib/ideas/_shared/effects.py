"""Effects of single choices against a baseline: at one size, over sizes, and at the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from studylib.analysis import Decision, EffectScaling, NoiseFloor, settled_at_target
from studylib.ideas._shared.differences import comparison_alt
from studylib.ideas._shared.leaders import leader_words
from studylib.ideas._shared.numbers import NOTHING, signed
from studylib.ideas._shared.variants import BASELINE
from studylib.result import Text

TRENDS = {
    "holds": Text(en="holds", ja="維持"),
    "shrinks": Text(en="shrinks", ja="縮小"),
    "grows": Text(en="grows", ja="拡大"),
    "flips": Text(en="flips", ja="逆転"),
    "unclear": Text(en="unclear", ja="不明"),
    "one size": Text(en="known at one size", ja="単一規模のみ"),
}


def effects_title(table: pl.DataFrame, size: str) -> Text:
    """How many choices stand after Holm's correction, and the best and worst of them."""
    known = table.filter(pl.col("difference").is_not_null()).sort("difference")
    sure = known.filter(pl.col("significant"))
    better, worse = sure.filter(pl.col("difference") < 0), sure.filter(pl.col("difference") > 0)
    en = (
        f"At {size}, {len(better)} of {len(known)} choices beat the baseline beyond chance and {len(worse)} fall behind"
    )
    ja = f"{size} では {len(known)} 案中 {len(better)} 案が基準に有意に勝り、{len(worse)} 案が劣る"
    if len(better):
        name, difference = better.select("variant", "difference").row(0)
        return Text(
            en=f"{en}; {name} leads by {-difference:.4f} bits per byte",
            ja=f"{ja}。首位 {name} は {-difference:.4f} bits/byte の改善",
        )
    if len(worse):
        name, difference = worse.select("variant", "difference").row(-1)
        return Text(
            en=f"{en}, most {name} ({difference:+.4f} bits per byte)",
            ja=f"{ja}。最も劣るのは {name}({difference:+.4f} bits/byte)",
        )
    return Text(en=en, ja=ja)


def effects_alt(table: pl.DataFrame) -> Text:
    return comparison_alt(table, "the baseline")


def slopes_title(scalings: Sequence[EffectScaling]) -> Text:
    sizes = list(scalings[0].effects)
    if len(sizes) < 2:
        return Text(en=f"Effects are known at {sizes[0]} alone", ja=f"効果は {sizes[0]} だけで測られている")
    counts = {trend: sum(one.trend == trend for one in scalings) for trend in TRENDS}
    verbs = {"holds": "hold", "shrinks": "shrink", "grows": "grow", "flips": "flip", "unclear": "are unclear"}
    listed_en = ", ".join(f"{counts[trend]} {verb}" for trend, verb in verbs.items() if counts[trend])
    listed_ja = "、".join(f"{TRENDS[trend].ja} {counts[trend]}" for trend in verbs if counts[trend])
    return Text(
        en=f"From {sizes[0]} to {sizes[-1]} parameters, of {len(scalings)} effects {listed_en}",
        ja=f"{sizes[0]} から {sizes[-1]} で {len(scalings)} 案の効果は{listed_ja}",
    )


def slopes_alt(scalings: Sequence[EffectScaling]) -> Text:
    def listed(language: str) -> str:
        rows = []
        for one in scalings:
            ends = list(one.effects.values())
            trend = getattr(TRENDS[one.trend], language)
            rows.append(f"{one.variant} {ends[0][1]:+.2f} → {ends[-1][1]:+.2f} % ({trend})")
        return "; ".join(rows)

    return Text(
        en="Effect of each choice in percent of the baseline's loss against model size, a panel a factor, from the smallest "
        f"to the largest size: {listed('en')}.",
        ja=f"モデル規模に対する各案の効果(基準の損失に対する %)。因子ごとに 1 枠。最小から最大の規模へ:{listed('ja')}。",
    )


def verdict(decisions: Mapping[str, Decision], size: str, scalings: Sequence[EffectScaling], noise: NoiseFloor) -> Text:
    """What stands at the head of an idea that carries effects over sizes."""
    opening, target = leader_words(decisions, size), target_words(decisions["flops"].leader, scalings)
    return Text(
        en=f"{opening.en} Detectable effect: {noise.mde:.4f} bits per byte. {target.en}",
        ja=f"{opening.ja}検出可能差は {noise.mde:.4f} bits/byte。{target.ja}",
    )


def target_words(leader: str, scalings: Sequence[EffectScaling]) -> Text:
    """What is carried to the target, and why not more."""
    first = scalings[0]
    size, sizes = f"{first.target_params / 1e9:.3g}B", len(first.effects)
    told = [one for one in scalings if one.decided]
    en = f"Carried to {size} ({first.factor:.3g} times the largest size here), the sign is settled for {len(told)} of {len(scalings)}"
    ja = f"{size}(本研究の最大規模の {first.factor:.3g} 倍)への外挿で符号が定まるのは {len(scalings)} 案中 {len(told)} 案"
    if told:
        en += ": " + ", ".join(f"{one.variant} {signed(one.target, digits=1)} %" for one in told)
        ja += ":" + "、".join(f"{one.variant} {signed(one.target, '〜', 1)} %" for one in told)
    elif sizes < 3:
        en += f": {sizes} size(s) fix a line and leave nothing to tell its error by"
        ja += f"({sizes} 規模では直線の誤差が分からないため)"
    settled = settled_at_target(leader, scalings, BASELINE)
    return Text(
        en=f"{en}." + ("" if settled else f" Whether {leader} still leads there is undecided."),
        ja=f"{ja}。" + ("" if settled else f"{leader} がそこでも首位かは未決です。"),
    )


def lasting_words(scalings: Sequence[EffectScaling]) -> Text:
    """Which effects shrink or flip with size; empty where none does."""
    held = {trend: [one.variant for one in scalings if one.trend == trend] for trend in ("shrinks", "flips")}
    en = "; ".join(f"{', '.join(names)} ({trend})" for trend, names in held.items() if names)
    ja = "、".join(f"{'、'.join(names)}({TRENDS[trend].ja})" for trend, names in held.items() if names)
    return Text(en=f"Effects that do not last with size: {en}.", ja=f"規模とともに変わる効果:{ja}。") if en else NOTHING


def carried(scalings: Sequence[EffectScaling]) -> dict[str, Any]:
    """For result.json: effects over sizes and at the target, percent of the baseline's loss."""
    return {
        "target_params": scalings[0].target_params,
        "times_the_largest_budget": scalings[0].factor,
        "effects": {one.variant: one.as_dict() for one in scalings},
    }
