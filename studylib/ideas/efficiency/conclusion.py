"""What idea 8 concludes: the verdict, what is carried to the target, and the next run."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from studylib.analysis import AtTarget, Decision
from studylib.ideas._shared import effects
from studylib.ideas._shared.effects import carried
from studylib.ideas._shared.next_run import next_run_over_sizes
from studylib.ideas._shared.numbers import NOTHING
from studylib.ideas.efficiency.captions import shown
from studylib.result import Text

verdict, lasting_words = effects.verdict, effects.lasting_words


def parts_words(table: pl.DataFrame) -> Text:
    """Every part under both accountings."""

    def listed(mark: str, between: str) -> str:
        return mark.join(
            f"{row['variant']} {row['flops']:+.4f}{between}{shown(row['seconds'])} (x{row['speed']:.2f})"
            for row in table.sort("flops").iter_rows(named=True)
        )

    return Text(
        en=f"Bits per byte above the baseline (dense, RMSNorm) at equal FLOPs, in equal seconds (and speed): {listed('; ', ', ')}. "
        "Seconds are this machine's: they do not carry to other hardware.",
        ja=f"基準(密なモデル、RMSNorm)との差(bits/byte)、同一 FLOPs・同一時間(速度比):{listed('、', '・')}。"
        "時間はこの計算機のもので、ほかの計算機には外挿できません。",
    )


def switches_words(table: pl.DataFrame | None, noise: float) -> Text:
    """For the verdict; empty without such trials."""
    if table is None:
        return NOTHING
    largest = table["difference"].abs().max()
    within = largest <= noise
    return Text(
        en=f"Computing it otherwise ({', '.join(table['variant'])}) changes the loss by {largest:.5f} bits per byte at most, "
        + ("within the noise." if within else "MORE than the noise."),
        ja=f"計算方法の切り替え({'、'.join(table['variant'])})による損失の変化は最大 {largest:.5f} bits/byte で、"
        + ("誤差内です。" if within else "誤差を超えます。"),
    )


def waterfall_sentence(title: Text | None) -> Text:
    if title is None:
        return NOTHING
    return Text(en=f"{title.en}.", ja=f"{title.ja}。")


def search_words(gain: Mapping[str, float] | None) -> Text:
    """What the speed buys; empty where it was not measured."""
    if gain is None:
        return NOTHING
    return Text(
        en=f"On this machine the fast engine runs {gain['times']:.1f} times as many trials in the same hours as the plainest one "
        f"({gain['fast']:,.0f} against {gain['plain']:,.0f} an hour of the timed model): as many more variants, or "
        f"{gain['seeds_fast']:.0f} seeds instead of {gain['seeds']:.0f}, which lowers the detectable effect from {gain['mde']:.4f} "
        f"to {gain['mde_fast']:.4f} bits per byte.",
        ja=f"この計算機では、同じ時間に最も素朴な計算の {gain['times']:.1f} 倍の試行ができます(計測モデルで 1 時間 "
        f"{gain['plain']:,.0f} → {gain['fast']:,.0f} 試行)。その分だけ案を増やすか、シードを {gain['seeds']:.0f} から "
        f"{gain['seeds_fast']:.0f} に増やして検出可能差を {gain['mde']:.4f} から {gain['mde_fast']:.4f} bits/byte に下げられます。",
    )


def extrapolation(at: AtTarget, table: pl.DataFrame, gain: Mapping[str, float] | None) -> dict:
    """For result.json: effects over sizes and at the target (% of the baseline's loss), both accountings, the search gain."""
    return carried(at) | {"accountings": table.to_dicts(), "search_gain": dict(gain) if gain else None}


def next_run(decision: Decision, at: AtTarget) -> Text | None:
    """What would settle the largest size, and what is missing before anything is carried to the target."""
    sizes = len(at.sizes)
    wanted = Text(
        en=f"To decide for 10B, more sizes are needed, over a wider range and nearer to it ({sizes} here), and a GPU for their speed: "
        "study run efficiency --scale gpu.",
        ja=f"10B について決めるには、より広く 10B に近い範囲でより多くの規模(現在 {sizes})と、速度のための GPU が必要です:"
        "study run efficiency --scale gpu。",
    )
    return next_run_over_sizes(decision, at, wanted)
