"""What idea 7's numbers say, in words: figure titles, the verdict, and published findings held against it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import polars as pl

from studylib.analysis import (
    BasinFit,
    Decision,
    GainTrend,
    MidRun,
    NoiseFloor,
    OptimumLaw,
    RateTransfer,
    TokensSaved,
    score,
)
from studylib.ideas import _words as common
from studylib.ideas import _words as shared
from studylib.ideas._hyperparameters_settings import Setting
from studylib.ideas._hyperparameters_tables import overfits_from
from studylib.result import Anchor, Text
from studylib.search import SearchResult

number = common.number


def _interval(low: float, high: float, form: str = "+.2f") -> tuple[str, str]:
    return f"{low:{form}} to {high:{form}}", f"{low:{form}}〜{high:{form}}"


# --- the rate over widths

_STATE = {
    "transfers": ("stays where it is", "動かない"),
    "moves": ("moves", "動く"),
    "open": ("cannot be said to stay or to move", "動くとも動かないとも言えない"),
}


def basins_title(transfers: Mapping[str, RateTransfer], widths: Sequence[int]) -> Text:
    parts_en, parts_ja = [], []
    for init, one in transfers.items():
        en, ja = _STATE[one.state]
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


def basins_alt(fits: Mapping[str, Mapping[int, BasinFit]]) -> Text:
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


def transfer_words(transfers: Mapping[str, RateTransfer]) -> Text:
    parts_en, parts_ja = [], []
    for init, one in transfers.items():
        if one.shift is None:
            parts_en.append(f"{init}: open ({one.reason})")
            parts_ja.append(f"{init}:未決(最適点が範囲の端にあるか、幅が足りない)")
            continue
        en, ja = _interval(one.shift[0], one.shift[2], "+.1f")
        told_en, told_ja = _STATE[one.state]
        parts_en.append(
            f"{init}: the best rate {told_en}, shift {en} octaves; the narrowest model's rate gives away "
            f"{one.given_away:.4f} bits per byte on the widest"
        )
        parts_ja.append(f"{init}:最適学習率は{told_ja}(移動 {ja} オクターブ、損 {one.given_away:.4f} bits/byte)")
    return Text(en=f"Transfer over widths. {'; '.join(parts_en)}. ", ja=f"幅への転移。{'、'.join(parts_ja)}。")


# --- optimizers


def gains_title(gains: pl.DataFrame, trends: Sequence[GainTrend]) -> Text:
    """The optimizer with the largest gain over untuned AdamW, and what tuning leaves of it."""
    first = gains["size"][0]
    rows = gains.filter((pl.col("size") == first) & (pl.col("variant") != "adamw"))
    if rows.is_empty():
        return Text(en="No optimizer but AdamW was compared", ja="AdamW 以外のオプティマイザは比較していない")
    loose = rows.filter(pl.col("against") != "AdamW, tuned").sort("gain").row(-1, named=True)
    tight = rows.filter((pl.col("against") == "AdamW, tuned") & (pl.col("variant") == loose["variant"])).row(
        0, named=True
    )
    trend = next((one for one in trends if one.variant == loose["variant"]), None)
    said = {
        "shrinks": ("and it shrinks with size", "規模とともに縮む"),
        "grows": ("and it grows with size", "規模とともに伸びる"),
    }
    more_en, more_ja = (
        said.get(trend.state, ("no trend with size is seen", "規模による差は判別できない")) if trend else ("", "")
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


def tuning_words(tuned: Mapping[tuple[str, int], SearchResult], rate: str) -> Text:
    """What every optimizer was given, and whose best rate lies at the edge."""
    counts = {len(one.tried) for one in tuned.values()}
    edge = [f"{name} at {width}" for (name, width), one in tuned.items() if _finished(one) and one.at_edge(rate)]
    none = [f"{name} at {width}" for (name, width), one in tuned.items() if not _finished(one)]
    en = f"Every optimizer was tuned over {'/'.join(map(str, sorted(counts)))} points on a seed of its own before it was compared"
    ja = f"どのオプティマイザも {'/'.join(map(str, sorted(counts)))} 点ずつ、比較に使わないシードで調整してから比べました"
    if edge:
        en += f"; the best rate of {', '.join(edge)} lies at the edge of those tried, so it may do better"
        ja += f"({'、'.join(edge)} の最適学習率は範囲の端にあり、さらに良くなる可能性があります)"
    if none:
        en += f"; no point of {', '.join(none)} finished"
        ja += f"({'、'.join(none)} は完了した点がありません)"
    return Text(en=f"{en}. ", ja=f"{ja}。")


def _finished(one: SearchResult) -> bool:
    return any(point.value is not None for point in one.tried)


def gains_words(gains: pl.DataFrame, trends: Sequence[GainTrend], saved: Sequence[TokensSaved]) -> Text:
    parts_en, parts_ja = [], []
    last = gains["size"][-1]
    for row in gains.filter((pl.col("against") == "AdamW, tuned") & (pl.col("size") == last)).iter_rows(named=True):
        en, ja = _interval(row["low"], row["high"], "+.1f")
        parts_en.append(f"{row['variant']} {row['gain']:+.1f} % ({en})")
        parts_ja.append(f"{row['variant']} {row['gain']:+.1f} %({ja})")
    en = f"Over tuned AdamW at {last}: {'; '.join(parts_en)} of the loss. " if parts_en else ""
    ja = f"{last} での調整済み AdamW に対する改善:{'、'.join(parts_ja)}。" if parts_ja else ""
    states = {
        "shrinks": ("shrinks", "縮小"),
        "grows": ("grows", "拡大"),
        "not told apart": ("is not told apart", "判別不能"),
    }
    if trends:
        en += "With size the gain of " + "; ".join(f"{one.variant} {states[one.state][0]}" for one in trends) + ". "
        ja += "規模による改善の変化:" + "、".join(f"{one.variant} {states[one.state][1]}" for one in trends) + "。"
    told = [one for one in saved if all(math.isfinite(end) for end in one.factor) and one.factor[0] > 0]
    if told:
        en += (
            "In tokens of AdamW: "
            + "; ".join(
                f"{one.variant} x{one.factor[1]:.2f} ({one.factor[0]:.2f} to {one.factor[2]:.2f})" for one in told
            )
            + ". "
        )
        ja += (
            "AdamW のトークン換算:"
            + "、".join(
                f"{one.variant} {one.factor[1]:.2f} 倍({one.factor[0]:.2f}〜{one.factor[2]:.2f})" for one in told
            )
            + "。"
        )
    return Text(en=en, ja=ja)


# --- schedules


def mid_run_title(middle: MidRun) -> Text:
    at, gap, end = 100 * middle.widest["progress"], middle.widest["difference"], middle.end["difference"]
    flips_en = "the ranks flip by the end" if middle.flips else "the end is what counts"
    flips_ja = "終わりには順位が入れ替わる" if middle.flips else "終点で比べるべき"
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
    worst = float(table["difference"].abs().max())
    return Text(
        en=f"{len(table)} cooldowns off one trunk save {100 * saved:.0f} % of tokens, ending within {worst:.1f} % of cosine",
        ja=f"1 本の幹から {len(table)} 回減衰させるとトークンを {100 * saved:.0f} % 節約、損失は cosine と {worst:.1f} % 以内",
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


def schedule_words(table: pl.DataFrame, saved: float, middle: MidRun | None) -> Text:
    parts_en, parts_ja = [], []
    if len(table):
        ends = table.select(pl.col("low").min(), pl.col("high").max()).row(0)
        en, ja = _interval(*ends)
        parts_en.append(
            f"{len(table)} budgets from one trunk cost {100 * saved:.0f} % fewer tokens than runs of their own; cooldown minus cosine {en} % of the loss"
        )
        parts_ja.append(
            f"1 本の幹から {len(table)} 予算分を得るとトークンを {100 * saved:.0f} % 節約(cosine との差 {ja} %)"
        )
    if middle is not None:
        parts_en.append(
            f"at {100 * middle.widest['progress']:.0f} % of a run {middle.variant} looks {middle.widest['difference']:+.4f} bits per byte off {middle.baseline}, "
            f"at its end {middle.end['difference']:+.4f}: compare ends only"
        )
        parts_ja.append(
            f"途中({100 * middle.widest['progress']:.0f} %)の差 {middle.widest['difference']:+.4f} は終点で {middle.end['difference']:+.4f} bits/byte になるため、比較は終点だけで行うべき"
        )
    if not parts_en:
        return common.NOTHING
    return Text(en=f"Schedules: {'; '.join(parts_en)}. ", ja=f"スケジュール:{'、'.join(parts_ja)}。")


# --- one thing at a time, epochs, objectives


def epochs_title(table: pl.DataFrame) -> Text:
    first, most = overfits_from(table), table["epochs"].max()
    if first is None:
        return Text(
            en=f"Up to {most:g} epochs cannot be told from fresh text",
            ja=f"{most:g} エポックまでは新しい文章と区別できない",
        )
    at = table.filter(pl.col("epochs") == first)["difference"][0]
    return Text(
        en=f"From {first:g} epochs on, repeated text is worse than fresh ({at:+.4f} bits per byte)",
        ja=f"{first:g} エポック以上の繰り返しは新しい文章より悪い({at:+.4f} bits/byte)",
    )


def epochs_alt(table: pl.DataFrame) -> Text:
    listed = ", ".join(f"{row['epochs']:g}: {row['difference']:+.4f}" for row in table.iter_rows(named=True))
    return Text(
        en=f"Loss above fresh text by number of epochs at equal tokens, paired 95 % intervals: {listed}.",
        ja=f"同じトークン数でのエポック数ごとの損失差(対応のある 95 % 区間):{listed}。",
    )


def epochs_words(table: pl.DataFrame | None) -> Text:
    if table is None:
        return common.NOTHING
    title = epochs_title(table)
    return Text(en=f"{title.en}. ", ja=f"{title.ja}。")


def objectives_title(table: pl.DataFrame, noise: float) -> Text:
    told = common.comparison_title(table, "causal", noise)
    return Text(en=f"Judged as a causal model: {told.en}", ja=f"因果言語モデルとして:{told.ja}")


def objective_words(table: pl.DataFrame | None, infilling: pl.DataFrame | None) -> Text:
    if table is None:
        return common.NOTHING
    told = common.comparison_words(table, "causal", Text(en="Objectives", ja="学習目的"))
    if infilling is None or infilling.is_empty():
        return told
    rows = (
        infilling.group_by("variant", "span", "given", maintain_order=True)
        .agg(pl.col("bits_per_byte").mean())
        .filter(pl.col("given") == "both")
    )
    listed = ", ".join(
        f"{row['variant']} {row['span']} {row['bits_per_byte']:.3f}" for row in rows.iter_rows(named=True)
    )
    base = infilling.filter((pl.col("variant") == "causal") & (pl.col("given") == "left"))
    plain = ", ".join(
        f"{span} {bpb:.3f}"
        for span, bpb in base.group_by("span", maintain_order=True).agg(pl.col("bits_per_byte").mean()).rows()
    )
    return Text(
        en=f"{told.en}Filling in with text on both sides, bits per byte of the span: {listed or 'none'} (causal, from the left only: {plain}). ",
        ja=f"{told.ja}両側の文脈からの穴埋め(区間の bits/byte):{listed or 'なし'}(causal は左側のみで {plain})。",
    )


# --- searches


def search_title(searches: Mapping[str, SearchResult]) -> Text:
    grid, pruned = searches["grid"], searches["pruned"]
    worse = round(100 * (pruned.best.value / grid.best.value - 1), 2) + 0.0  # no minus before a zero
    cost = 100 * pruned.flops / grid.flops
    return Text(
        en=f"Ending hopeless points early takes {cost:.0f} % of the grid's FLOPs and ends {worse:+.2f} % from its best loss",
        ja=f"見込みのない点の打ち切りで FLOPs は格子探索の {cost:.0f} %、損失は最良値と {worse:+.2f} % の差",
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
    sure = all(low > one[2] for _, one in others)
    short = name.rpartition(".")[2]
    return Text(
        en=f"{short} matters most ({100 * middle:.0f} %, {100 * low:.0f} to {100 * high:.0f} %)"
        + ("" if sure else "; the order is not sure"),
        ja=f"{short} が最も効く({100 * middle:.0f} %、区間 {100 * low:.0f}〜{100 * high:.0f} %)"
        + ("" if sure else "が、順位は確かでない"),
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


def search_words(searches: Mapping[str, SearchResult]) -> Text:
    if not {"grid", "pruned"} <= set(searches):
        return common.NOTHING
    title = search_title(searches)
    return Text(en=f"{title.en}. ", ja=f"{title.ja}。")


# --- the settings and the verdict


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


def verdict(
    decisions: Mapping[str, Decision], size: str, noise: NoiseFloor, settings: Sequence[Setting], *parts: Text
) -> Text:
    opening = common.leader_words(decisions, size)
    open_ = [one.name for one in settings if not one.decided]
    end_en = f"For 10B these stay open: {', '.join(open_)}. " if open_ else "All settings are decided. "
    end_ja = f"10B について未決の項目:{'、'.join(open_)}。" if open_ else "すべての項目が決まりました。"
    return Text(
        en=f"{opening.en} "
        + "".join(part.en for part in parts)
        + end_en
        + f"Detectable at these seeds: {noise.mde:.4f} bits per byte.",
        ja=opening.ja
        + "".join(part.ja for part in parts)
        + end_ja
        + f"このシード数で検出できる差は {noise.mde:.4f} bits/byte です。",
    )


def next_run(decision: Decision, scale: str, carried: bool) -> Text | None:
    if carried:
        return shared.next_run(decision, None)
    wanted = Text(
        en="To carry settings to 10B, gains and optima are needed at three sizes or more: study run hyperparameters --scale cpu, or gpu.",
        ja="10B へ外挿するには 3 つ以上の規模での改善幅と最適点が必要です:study run hyperparameters --scale cpu または gpu。",
    )
    return shared.next_run(decision, wanted)


def anchors(
    saved: Sequence[TokensSaved], table: pl.DataFrame, transfers: Mapping[str, RateTransfer], middle: MidRun | None
) -> tuple[Anchor, ...]:
    """Published findings held against this study."""
    muon = next((one for one in saved if one.variant == "muon"), None)
    ends = table.select(pl.col("low").min(), pl.col("high").max()).row(0) if len(table) else None
    transferred = next((one for init, one in transfers.items() if init in ("completep", "mup", "depth_mup")), None)
    standard = next((one for init, one in transfers.items() if init not in ("completep", "mup", "depth_mup")), None)
    found = [
        score(
            Text(
                en="Tuned Muon needs 1.4 times fewer tokens than tuned AdamW at 0.1B parameters, 1.1 times at 1.2B",
                ja="調整済み Muon は調整済み AdamW の 1.4 分の 1(0.1B)、1.1 分の 1(1.2B)のトークンで済む",
            ),
            "Wen et al. 2025, arXiv 2509.02046",
            None if muon is None else (muon.factor[0], muon.factor[2]),
            (1.1, 1.4),
            unit="times fewer tokens (at sizes far below 0.1B)",
        ),
        score(
            Text(
                en="A constant rate with a cooldown ends where a cosine run does",
                ja="一定学習率と減衰は cosine と同等の損失に至る",
            ),
            "Hägele et al. 2024, arXiv 2405.18392",
            ends,
            (-1.0, 1.0),
            unit="% of the loss between cooldown and cosine",
        ),
        score(
            Text(
                en="Under muP the best learning rate does not move with width",
                ja="muP では最適学習率は幅によって動かない",
            ),
            "Yang et al. 2022, arXiv 2203.03466",
            None if transferred is None or transferred.shift is None else (transferred.shift[0], transferred.shift[2]),
            (-0.5, 0.5),
            unit="octaves from the narrowest to the widest",
        ),
    ]
    if standard is not None:
        found.append(
            score(
                Text(
                    en="Under the standard parametrisation the best rate falls with width",
                    ja="標準のパラメータ化では幅とともに最適学習率が下がる",
                ),
                "Yang et al. 2022, arXiv 2203.03466",
                None if standard.shift is None else (standard.shift[0], standard.shift[2]),
                (-math.inf, 0.0),
                unit="octaves from the narrowest to the widest",
            )
        )
    return tuple(found)


def extrapolation(
    settings: Sequence[Setting],
    law: OptimumLaw | None,
    reason: str,
    transfers: Mapping[str, RateTransfer],
    fits: Mapping[str, Mapping[int, BasinFit]],
) -> dict:
    """What result.json says about 10B: every setting, the law of the rate or why there is none, and the optima."""
    moved = {
        init: {"state": one.state, "octaves": one.shift, "given_away_bpb": one.given_away}
        | ({"reason": one.reason} if one.reason else {})
        for init, one in transfers.items()
    }
    carried = {"rate_law": law.as_dict()} if law is not None else {"rate_law_not_carried": reason}
    return {
        "settings": {
            one.name: {key: value for key, value in one.as_dict().items() if key != "setting"} for one in settings
        },
        **carried,
        "transfer_over_widths": moved,
        "optimum_by_width": {init: common.optima(list(by_width.values())) for init, by_width in fits.items()},
    }
