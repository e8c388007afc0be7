"""Title and text alternative of every figure of idea 7."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from studylib.analysis import AtTarget, CarriedOptimum, MidRun, NoiseFloor, RateTransfer, Valley
from studylib.ideas._shared.numbers import number
from studylib.ideas.hyperparameters.settings import Setting
from studylib.result import Text
from studylib.search import SearchResult

STATE = {
    "transfers": ("stays where it is", "動かない"),
    "moves": ("moves", "動く"),
    "open": ("cannot be said to stay or to move", "動くとも動かないとも言えない"),
}


def basins_title(transfers: Mapping[str, RateTransfer], widths: Sequence[int]) -> Text:
    parts_en, parts_ja = [], []
    for init, one in transfers.items():
        en, ja = STATE[one.state]
        shift = f" ({round(one.shift[1], 1) + 0.0:+.1f} octaves)" if one.shift else ""
        parts_en.append(f"under {init} the best rate {en}{shift}")
        parts_ja.append(
            f"{init} では最適学習率は{ja}" + (f"({round(one.shift[1], 1) + 0.0:+.1f} オクターブ)" if one.shift else "")
        )
    if not parts_en:
        return Text(en="Too few rates finished for an optimum", ja="最適学習率を求めるには完了した試行が足りない")
    ends = f"{min(widths)} to {max(widths)} wide"
    text = "; ".join(parts_en)
    return Text(en=f"From {ends}, {text}", ja=f"幅 {min(widths)}〜{max(widths)}:" + "、".join(parts_ja))


def basins_alt(fits: Mapping[str, Mapping[int, Valley]]) -> Text:
    listed = "; ".join(
        f"{init}: "
        + ", ".join(f"{width} wide {number(fit.optimum) if fit.optimum else 'edge'}" for width, fit in one.items())
        for init, one in fits.items()
    )
    return Text(
        en=f"Validation loss against learning rate, a line a width, a panel a parametrisation. Optima: {listed}.",
        ja=f"学習率に対する検証損失。幅ごとに 1 本、パラメータ化ごとに 1 枠。最適点:{listed}。",
    )


def coordinates_title(table: pl.DataFrame) -> Text:
    """Which parametrisations keep what training adds to activations at one size over widths."""
    flat = table.group_by("init", maintain_order=True).agg(pl.col("flat").mean(), pl.col("power").max())
    en = "; ".join(
        f"{init} {100 * share:.0f} % flat (steepest power {power:+.2f})" for init, share, power in flat.rows()
    )
    ja = "、".join(
        f"{init} は {100 * share:.0f} % が平坦(最大の指数 {power:+.2f})" for init, share, power in flat.rows()
    )
    return Text(en=f"What training adds to activations, over widths: {en}", ja=f"幅に対する活性の更新量:{ja}")


def coordinates_alt(table: pl.DataFrame) -> Text:
    listed = "; ".join(f"{row['init']} {row['where']} {row['power']:+.2f}" for row in table.iter_rows(named=True))
    return Text(
        en=f"Size of what a few steps add to activations, against width, by place in the model. Powers of the width: {listed}.",
        ja=f"数ステップで活性に加わる量の大きさと幅の関係。幅の指数:{listed}。",
    )


def gains_title(gains: pl.DataFrame, at: AtTarget) -> Text:
    """The optimizer with the largest gain over untuned AdamW, and what tuning leaves of it."""
    first = gains["size"][0]
    rows = gains.filter((pl.col("size") == first) & (pl.col("variant") != "adamw"))
    if rows.is_empty():
        return Text(en="No optimizer but AdamW was compared", ja="AdamW 以外のオプティマイザは比較していない")
    loose = rows.filter(pl.col("against") != "AdamW, tuned").sort("gain").row(-1, named=True)
    tight = rows.filter((pl.col("against") == "AdamW, tuned") & (pl.col("variant") == loose["variant"])).row(
        0, named=True
    )
    trend = next((one.trend for one in at.effects if one.variant == loose["variant"]), "one size")
    said = {
        "shrinks": ("and it shrinks with size", "規模とともに縮む"),
        "grows": ("and it grows with size", "規模とともに伸びる"),
        "flips": ("and it flips with size", "規模とともに逆転する"),
        "one size": ("", ""),
    }
    more_en, more_ja = said.get(trend, ("no trend with size is seen", "規模による差は判別できない"))
    if tight["low"] <= 0 <= tight["high"]:
        return Text(
            en=f"{loose['variant']} saves {loose['gain']:.1f} % over default AdamW; from tuned AdamW it cannot be told",
            ja=f"{loose['variant']} の改善は未調整 AdamW 比 {loose['gain']:.1f} %、調整済み AdamW とは区別できない",
        )
    return Text(
        en=f"{loose['variant']} saves {loose['gain']:.1f} % over default AdamW, {tight['gain']:.1f} % over tuned AdamW; {more_en}".rstrip(
            "; "
        ),
        ja=f"{loose['variant']} の改善は未調整 AdamW 比 {loose['gain']:.1f} %、調整済み AdamW 比 {tight['gain']:.1f} %。{more_ja}",
    )


def gains_alt(gains: pl.DataFrame) -> Text:
    listed = "; ".join(
        f"{row['variant']} at {row['size']} over {row['against']}: {row['gain']:.1f} % ({row['low']:.1f} to {row['high']:.1f})"
        for row in gains.iter_rows(named=True)
    )
    return Text(
        en=f"Loss saved by each optimizer, paired 95 % intervals. {listed}.",
        ja=f"各オプティマイザの損失改善(対応のある 95 % 区間)。{listed}。",
    )


def mid_run_title(middle: MidRun) -> Text:
    at, gap, end = 100 * middle.widest["progress"], middle.widest["difference"], middle.end["difference"]
    if not middle.flips:
        flips_en, flips_ja = "the end is what counts", "終点で比べるべき"
    elif middle.end["high"] < 0:
        flips_en, flips_ja = "the ranks flip by the end", "終わりには順位が入れ替わる"
    else:
        flips_en, flips_ja = "at the end they cannot be told apart", "終点では区別できない"
    return Text(
        en=f"At {at:.0f} % of the run {middle.variant} is {gap:+.3f} bits per byte from {middle.baseline}, at the end {end:+.3f}: {flips_en}",
        ja=f"{at:.0f} % の時点の差は {gap:+.3f}、終点では {end:+.3f} bits/byte:{flips_ja}",
    )


def mid_run_alt(middle: MidRun) -> Text:
    listed = ", ".join(
        f"{100 * row['progress']:.0f} %: {row['difference']:+.4f}" for row in middle.along.iter_rows(named=True)
    )
    return Text(
        en=f"{middle.variant} minus {middle.baseline} along the run, paired over seeds: {listed}.",
        ja=f"学習の進行に沿った {middle.variant} と {middle.baseline} の差(シード対応):{listed}。",
    )


def cooldowns_title(table: pl.DataFrame, saved: float) -> Text:
    low, high = table.select(pl.col("low").min(), pl.col("high").max()).row(0)
    return Text(
        en=f"{len(table)} cooldowns off one trunk save {100 * saved:.0f} % of tokens; they end {low:+.1f} to {high:+.1f} % off cosine runs (95 %)",
        ja=f"1 本の幹から {len(table)} 回減衰させるとトークンを {100 * saved:.0f} % 節約、損失の差は cosine に対し {low:+.1f}〜{high:+.1f} %(95 %)",
    )


def cooldowns_alt(table: pl.DataFrame) -> Text:
    listed = "; ".join(
        f"{row['tokens']:,} tokens {row['difference']:+.2f} % ({row['low']:+.2f} to {row['high']:+.2f})"
        for row in table.iter_rows(named=True)
    )
    return Text(
        en=f"Loss along a trunk at constant rate, the cooldowns that branch off it, and cosine runs of the same lengths. Cooldown minus cosine: {listed}.",
        ja=f"一定学習率の幹、そこから分岐する減衰、同じ長さの cosine 学習の損失。減衰と cosine の差:{listed}。",
    )


def batches_title(fits: Mapping[int, Mapping[int, Valley]], law: CarriedOptimum | None) -> Text:
    cells = [fit for one in fits.values() for fit in one.values()]
    inside = sum(fit.optimum is not None for fit in cells)
    if law is None:
        return Text(
            en=f"A best batch lies inside those tried in {inside} of {len(cells)} cells: no law, nothing is carried to 10B",
            ja=f"最適バッチが範囲内に定まったのは {len(cells)} 条件中 {inside}:法則は求まらず 10B へ外挿しない",
        )
    low, middle, high = law.exponents["tokens"]
    return Text(
        en=f"The best batch goes with training tokens to the power {middle:.2f} ({low:.2f} to {high:.2f})",
        ja=f"最適バッチは学習トークン数の {middle:.2f} 乗に従う(区間 {low:.2f}〜{high:.2f})",
    )


def batches_alt(fits: Mapping[int, Mapping[int, Valley]]) -> Text:
    listed = "; ".join(
        f"{width} wide, {tokens:,} tokens: {number(fit.optimum) if fit.optimum else 'edge'}"
        for width, one in fits.items()
        for tokens, fit in one.items()
    )
    return Text(
        en=f"Loss against tokens a step by length of run, each batch at its best rate, and the best batch against that length: {listed}.",
        ja=f"学習の長さごとの、バッチ(1 ステップのトークン数)と損失の関係および最適バッチ:{listed}。",
    )


def search_title(searches: Mapping[str, SearchResult], noise: NoiseFloor) -> Text:
    """``noise``: of one trial. Both searches judge a point by one seed, so a smaller difference says nothing."""
    grid, pruned = searches["grid"], searches["pruned"]
    worse = round(100 * (pruned.best.value / grid.best.value - 1), 2) + 0.0  # no minus before a zero
    chance = 100 * 2 * 2**0.5 * noise.paired_sd / grid.best.value
    cost = 100 * pruned.flops / grid.flops
    return Text(
        en=f"Ending hopeless points early takes {cost:.0f} % of the grid's FLOPs and ends {worse:+.2f} % from its best loss (one seed: chance alone gives ±{chance:.1f} %)",
        ja=f"見込みのない点の打ち切りで FLOPs は格子探索の {cost:.0f} %、損失は最良値と {worse:+.2f} % の差(1 シード、偶然だけでも ±{chance:.1f} %)",
    )


def search_alt(searches: Mapping[str, SearchResult]) -> Text:
    listed = "; ".join(
        f"{name}: {len(one.tried)} points, {sum(point.state == 'full' for point in one.tried)} of them to the end, {one.flops:.3g} FLOPs, best {one.best.value:.4f}"
        for name, one in searches.items()
    )
    return Text(
        en=f"Best loss so far against FLOPs spent. {listed}.", ja=f"使った FLOPs に対するその時点の最良損失。{listed}。"
    )


def importance_title(shares: Mapping[str, tuple[float, float, float]]) -> Text:
    (name, (low, middle, high)), *others = shares.items()
    short = name.rpartition(".")[2]
    spread_en = f"{100 * middle:.0f} %, {100 * low:.0f} to {100 * high:.0f} %"
    spread_ja = f"{100 * middle:.0f} %、区間 {100 * low:.0f}〜{100 * high:.0f} %"
    if all(low > one[2] for _, one in others):
        return Text(en=f"{short} matters most ({spread_en})", ja=f"{short} が最も効く({spread_ja})")
    return Text(
        en=f"Which field matters most is not sure; {short} leads ({spread_en})",
        ja=f"どの項目が最も効くかは確かでない。首位は {short}({spread_ja})",
    )


def importance_alt(shares: Mapping[str, tuple[float, float, float]]) -> Text:
    listed = ", ".join(
        f"{name} {100 * middle:.0f} % ({100 * low:.0f} to {100 * high:.0f})"
        for name, (low, middle, high) in shares.items()
    )
    return Text(
        en=f"Share of each field in getting among the best quarter of points (PED-ANOVA): {listed}.",
        ja=f"上位 4 分の 1 に入ることへの各項目の寄与(PED-ANOVA):{listed}。",
    )


def settings_title(settings: Sequence[Setting]) -> Text:
    sure = sum(one.decided for one in settings)
    return Text(
        en=f"Settings for 10B: {sure} of {len(settings)} are decided, the others are this study's best guess",
        ja=f"10B の設定:{len(settings)} 項目中 {sure} 項目が確定、ほかは現時点の最善の推定",
    )


def settings_alt(settings: Sequence[Setting]) -> Text:
    en = "; ".join(
        f"{one.name} {one.value} ({one.interval or 'no interval'}; {'decided' if one.decided else 'open'})"
        for one in settings
    )
    ja = "、".join(
        f"{one.name} {one.value}({one.interval or '区間なし'}、{'確定' if one.decided else '未決'})" for one in settings
    )
    return Text(en=f"Table of settings with intervals or rivals. {en}.", ja=f"設定と区間・対立候補の表。{ja}。")
