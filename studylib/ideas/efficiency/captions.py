"""Titles and text alternatives of idea 8's figures."""

from __future__ import annotations

import itertools
from functools import partial

import polars as pl

from studylib.ideas._shared import effects, leaders, speed
from studylib.ideas._shared.differences import comparison_alt
from studylib.result import Text

PART = Text(en="part", ja="案")


effects_title, effects_alt = effects.effects_title, effects.effects_alt
slopes_title, slopes_alt = effects.slopes_title, effects.slopes_alt
p_best_title, p_best_alt = leaders.p_best_title, partial(leaders.p_best_alt, subject=PART)
speed_title, speed_alt = speed.speed_title, partial(speed.speed_alt, subject=PART)


def shown(difference: float | None) -> str:
    """A difference that may not be known."""
    return "?" if difference is None else f"{difference:+.4f}"


def two_title(table: pl.DataFrame) -> Text:
    """Whether what wins at equal FLOPs still wins when the clock counts."""
    better, timed = (table.filter(pl.col(f"{basis}_high") < 0)["variant"].to_list() for basis in ("flops", "seconds"))
    known = table.filter(pl.col("seconds").is_not_null())["variant"].to_list()
    lost = [name for name in better if name in known and name not in timed]
    if not better and not timed:
        return Text(
            en="No part beats the baseline beyond chance, at equal FLOPs or in equal seconds",
            ja="同一 FLOPs でも同一時間でも、基準に有意に勝る案はない",
        )
    return Text(
        en=f"{len(better)} of {len(table)} parts win at equal FLOPs and {len(timed)} in equal seconds"
        + (f"; the clock takes it from {', '.join(lost)}" if lost else ""),
        ja=f"同一 FLOPs では {len(table)} 案中 {len(better)} 案、同一時間では {len(timed)} 案が基準に勝る"
        + (f"(時間では {'、'.join(lost)} が優位を失う)" if lost else ""),
    )


def two_alt(table: pl.DataFrame) -> Text:
    rows = table.select("variant", "flops", "seconds", "speed").rows()
    listed = "; ".join(f"{name} {f:+.4f} and {shown(s)} at {v:.2f} times the speed" for name, f, s, v in rows)
    listed_ja = "、".join(f"{name} {f:+.4f} と {shown(s)}(速度 {v:.2f} 倍)" for name, f, s, v in rows)
    return Text(
        en=f"Bits per byte above the baseline at equal FLOPs and in equal seconds, with 95 % intervals: {listed}.",
        ja=f"基準との差(bits/byte)。同一 FLOPs と同一時間、95 % 区間つき:{listed_ja}。",
    )


def switches_title(table: pl.DataFrame, noise: float) -> Text:
    """Whether any switch of the engine moves the loss."""
    worst = table.filter(pl.col("difference").is_not_null()).sort(pl.col("difference").abs())
    name, difference = worst.select("variant", "difference").row(-1)
    told = worst.filter(pl.col("significant"))
    if told.is_empty():
        return Text(
            en=f"No switch moves the loss beyond chance; {name} most, by {difference:+.5f} bits per byte (noise {noise:.4f})",
            ja=f"損失を有意に変える切り替えはない。最大は {name} の {difference:+.5f} bits/byte(誤差 {noise:.4f})",
        )
    listed = ", ".join(told["variant"])
    return Text(
        en=f"The loss moves with {listed}: at most {difference:+.5f} bits per byte (noise between variants {noise:.4f})",
        ja=f"{listed} で損失が動く:最大 {difference:+.5f} bits/byte(案の間の誤差 {noise:.4f})",
    )


def switches_alt(table: pl.DataFrame) -> Text:
    return comparison_alt(table, "the plainest computation")


def load_title(summary: pl.DataFrame, variant: str) -> Text:
    """How even the use of experts is, and whether some idle."""
    own = summary.filter(pl.col("variant") == variant)
    worst, idle, apart = own["imbalance"].max(), int(own["unused"].max()), own["preference"].mean()
    return Text(
        en=f"{variant}: the busiest expert gets {worst:.1f} times an even share, {'none idles' if not idle else f'{idle} idle'}; "
        f"sources move {apart:.0%} of the tokens to other experts",
        ja=f"{variant}:最も忙しい専門家は均等割の {worst:.1f} 倍、"
        + ("遊ぶ専門家はない" if not idle else f"遊ぶ専門家 {idle}")
        + f"。データ源により {apart:.0%} のトークンが別の専門家へ",
    )


def load_alt(summary: pl.DataFrame, variant: str) -> Text:
    rows = summary.filter(pl.col("variant") == variant).select("layer", "imbalance").rows()
    listed, listed_ja = (
        ", ".join(f"layer {layer} {value:.2f}" for layer, value in rows),
        "、".join(f"層 {layer} {value:.2f}" for layer, value in rows),
    )
    return Text(
        en=f"Share of the tokens of each expert as a multiple of an even share, a panel a source. Busiest expert: {listed}.",
        ja=f"各専門家が受け取るトークンの割合(均等割の倍数)。データ源ごとに 1 枠。最も忙しい専門家:{listed_ja}。",
    )


def imbalance_title(curves: pl.DataFrame) -> Text:
    name, first, last = max(_ends(curves), key=lambda row: row[2])
    return Text(
        en=f"Experts end at {last:.2f} times an even share at worst ({name}, from {first:.2f} at the start)",
        ja=f"最も偏る {name} でも、最も忙しい専門家は均等割の {last:.2f} 倍で終わる(開始時 {first:.2f} 倍)",
    )


def imbalance_alt(curves: pl.DataFrame) -> Text:
    listed = "; ".join(f"{name} {first:.2f} → {last:.2f}" for name, first, last in _ends(curves))
    return Text(
        en=f"The busiest expert's tokens over the mean along the training, start to end: {listed}.",
        ja=f"学習中の最も忙しい専門家のトークン数(平均比)、開始→終了:{listed}。",
    )


def _ends(curves: pl.DataFrame) -> list[tuple[str, float, float]]:
    """Variant, imbalance at the first and the last logged step (means over layers and seeds)."""
    first, last = (
        curves.filter(pl.col("step") == edge.over("hash")) for edge in (pl.col("step").min(), pl.col("step").max())
    )
    begin = dict(first.group_by("variant").agg(pl.col("imbalance").mean()).iter_rows())
    end = last.group_by("variant", maintain_order=True).agg(pl.col("imbalance").mean())
    return [(name, begin[name], value) for name, value in end.iter_rows()]


def layout_title(layouts: pl.DataFrame) -> Text:
    rows = _by_layout(layouts).rows()
    (slow, least), (fast, most) = rows[0], rows[-1]
    return Text(
        en=f"{fast} (workers x threads) trains {most / least:.2f} times as many tiny trials an hour as {slow}",
        ja=f"小さな試行では {fast}(ワーカー × スレッド)が {slow} の {most / least:.2f} 倍の試行をこなす",
    )


def layout_alt(layouts: pl.DataFrame) -> Text:
    listed = ", ".join(f"{name}: {rate:,.0f}" for name, rate in _by_layout(layouts).rows())
    return Text(en=f"Trials an hour by workers x threads: {listed}.", ja=f"配置ごとの 1 時間あたり試行数:{listed}。")


def _by_layout(layouts: pl.DataFrame) -> pl.DataFrame:
    return (
        layouts.group_by("variant", maintain_order=True).agg(pl.col("trials_an_hour").median()).sort("trials_an_hour")
    )


def waterfall_title(steps: pl.DataFrame) -> Text:
    """How much faster the last setting is than the first, and on how much memory."""
    first, last = steps.row(0, named=True), steps.row(-1, named=True)
    times, memory = last["speedup"], last["peak_memory_bytes"] / max(first["peak_memory_bytes"], 1)
    return Text(
        en=f"The same step runs {times:.1f} times as fast with every switch on, at {memory:.0%} of the memory",
        ja=f"全ての切り替えで同じ計算が {times:.1f} 倍速くなり、メモリは {memory:.0%} になる",
    )


def waterfall_alt(steps: pl.DataFrame) -> Text:
    rows = steps.to_dicts()
    gains = [(now["tokens_per_s"] / before["tokens_per_s"], now) for before, now in itertools.pairwise(rows)]
    gain, largest = max(gains, key=lambda pair: pair[0], default=(1.0, rows[-1]))
    speeds = [(row, f"{row['tokens_per_s']:,.0f}", f"{row['peak_memory_bytes'] / 1e6:,.0f} MB") for row in rows]
    each = "; ".join(f"{row['label']}: {speed} tokens/s, {memory}" for row, speed, memory in speeds)
    each_ja = "、".join(f"{row['label_ja']}: 毎秒 {speed} トークン・{memory}" for row, speed, memory in speeds)
    return Text(
        en=f"Bars of speed and peak memory, one switch after another. {each}. The largest gain, {gain:.2f}x, is {largest['label']}.",
        ja=f"切り替えを一つずつ加えたときの速度と最大メモリの棒グラフ。{each_ja}。最も効くのは {largest['label_ja']}({gain:.2f} 倍)。",
    )
