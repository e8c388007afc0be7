"""Effects of single choices against a baseline: at one size, over sizes, and at the target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from studylib.analysis import AtTarget, Decision, NoiseFloor
from studylib.ideas._shared.differences import comparison_alt
from studylib.ideas._shared.leaders import leader_words
from studylib.ideas._shared.numbers import NOTHING
from studylib.numbers import percent
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


def slopes_title(at: AtTarget) -> Text:
    sizes = list(at.sizes)
    if len(sizes) < 2:
        return Text(en=f"Effects are known at {sizes[0]} alone", ja=f"効果は {sizes[0]} だけで測られている")
    counts = {trend: sum(one.trend == trend for one in at.effects) for trend in TRENDS}
    verbs = {"holds": "hold", "shrinks": "shrink", "grows": "grow", "flips": "flip", "unclear": "are unclear"}
    listed_en = ", ".join(f"{counts[trend]} {verb}" for trend, verb in verbs.items() if counts[trend])
    listed_ja = "、".join(f"{TRENDS[trend].ja} {counts[trend]}" for trend in verbs if counts[trend])
    return Text(
        en=f"From {sizes[0]} to {sizes[-1]} parameters, of {len(at.effects)} effects {listed_en}",
        ja=f"{sizes[0]} から {sizes[-1]} で {len(at.effects)} 案の効果は{listed_ja}",
    )


def slopes_alt(at: AtTarget) -> Text:
    def listed(language: str) -> str:
        rows = []
        for one in at.effects:
            ends = list(one.measured.values())
            trend = getattr(TRENDS[one.trend], language)
            rows.append(f"{one.variant} {ends[0][1]:+.2f} → {ends[-1][1]:+.2f} % ({trend})")
        return "; ".join(rows)

    return Text(
        en="Effect of each choice in percent of the baseline's loss against model size, a panel a factor; bands are what all sizes "
        f"together say. As measured, from the smallest to the largest size: {listed('en')}.",
        ja="モデル規模に対する各案の効果(基準の損失に対する %)。因子ごとに 1 枠、帯は全規模をまとめた推定。実測値、最小から最大の規模へ:"
        f"{listed('ja')}。",
    )


def verdict(decisions: Mapping[str, Decision], size: str, at: AtTarget, noise: NoiseFloor) -> Text:
    """What stands at the head of an idea that carries effects over sizes."""
    opening, target = leader_words(decisions, size), target_words(at)
    return Text(
        en=f"{opening.en} Detectable effect: {noise.mde:.4f} bits per byte. {target.en}",
        ja=f"{opening.ja}検出可能差は {noise.mde:.4f} bits/byte。{target.ja}",
    )


def target_words(at: AtTarget) -> Text:
    """Who is best at the target, how sure that is, and from what."""
    target, largest, count = f"{at.target_params / 1e9:.3g}B", list(at.sizes)[-1], len(at.sizes)
    p = percent(at.p_leader)
    from_en = f"{count} sizes up to {largest}" if count > 1 else f"one size, {largest}"
    from_ja = f"{largest} までの {count} 規模" if count > 1 else f"{largest} の 1 規模"
    en = (
        f"For {target}, {at.factor:.3g} times the largest size here, from {from_en}: {at.leader} is best with probability {p}, "
        f"and choosing it gives away {at.regret:.2g} % of the loss on average"
    )
    ja = (
        f"{target}(本研究の最大規模の {at.factor:.3g} 倍)では、{from_ja}から見て {at.leader} が {p} の確率で最良、"
        f"これを選ぶ平均損失は {at.regret:.2g} %"
    )
    if at.decided:
        return Text(en=f"{en}: decided.", ja=f"{ja}。決定です。")
    few = ", ".join(at.rivals[:3]) + (f" and {len(at.rivals) - 3} more" if len(at.rivals) > 3 else "")
    few_ja = "、".join(at.rivals[:3]) + (f" ほか {len(at.rivals) - 3} 案" if len(at.rivals) > 3 else "")
    return Text(
        en=f"{en}. Open: " + (f"{few} may still be better there." if few else "the regret is not negligible."),
        ja=f"{ja}。未決です" + (f"({few_ja} が上回る可能性が残ります)。" if few_ja else "(期待損失が無視できません)。"),
    )


def lasting_words(at: AtTarget) -> Text:
    """Which effects shrink or flip with size; empty where none does."""
    held = {trend: [one.variant for one in at.effects if one.trend == trend] for trend in ("shrinks", "flips")}
    en = "; ".join(f"{', '.join(names)} ({trend})" for trend, names in held.items() if names)
    ja = "、".join(f"{'、'.join(names)}({TRENDS[trend].ja})" for trend, names in held.items() if names)
    return Text(en=f"Effects that do not last with size: {en}.", ja=f"規模とともに変わる効果:{ja}。") if en else NOTHING


def carried(at: AtTarget) -> dict[str, Any]:
    """For result.json: effects over sizes and what is supported of them at the target, percent of the reference's loss."""
    return {
        "target_params": at.target_params,
        "times_the_largest_size": at.factor,
        "reference": at.reference,
        "effects": {one.variant: one.as_dict() for one in at.effects},
    }
