"""The verdict of idea 7 and its sentences, and what is carried to 10B."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import polars as pl

from studylib.analysis import AtTarget, CarriedOptimum, Decision, MidRun, NoiseFloor, RateTransfer, TokensSaved, Valley
from studylib.ideas._shared import next_run as following
from studylib.ideas._shared.differences import comparison_words
from studylib.ideas._shared.effects import TRENDS, carried, target_words
from studylib.ideas._shared.leaders import leader_words
from studylib.ideas._shared.numbers import NOTHING, number
from studylib.ideas._shared.optimum import optima
from studylib.ideas.hyperparameters.captions import STATE, search_title
from studylib.ideas.hyperparameters.captions_of_text import dropout_title, epochs_title
from studylib.ideas.hyperparameters.schema import Batches
from studylib.ideas.hyperparameters.settings import Setting
from studylib.result import Text
from studylib.search import SearchResult


def _interval(low: float, high: float, form: str = "+.2f") -> tuple[str, str]:
    return f"{low:{form}} to {high:{form}}", f"{low:{form}}〜{high:{form}}"


def transfer_words(transfers: Mapping[str, RateTransfer], noise: NoiseFloor) -> Text:
    parts_en, parts_ja = [], []
    for init, one in transfers.items():
        if one.shift is None:
            parts_en.append(f"{init}: open ({one.reason})")
            parts_ja.append(f"{init}:未決(最適点が範囲の端にあるか、幅が足りない)")
            continue
        en, ja = _interval(one.shift[0], one.shift[2], "+.1f")
        told_en, told_ja = STATE[one.state]
        cost_en, cost_ja = f"{one.given_away:.3f} bits per byte", f"{one.given_away:.3f} bits/byte"
        if one.given_away < noise.mde:
            cost_en, cost_ja = "nothing that these seeds can detect", "検出できない程度"
        parts_en.append(
            f"{init}: the best rate {told_en}, shift {en} octaves; the narrowest model's rate gives away {cost_en} on the widest"
        )
        parts_ja.append(f"{init}:最適学習率は{told_ja}(移動 {ja} オクターブ、損は{cost_ja})")
    return Text(en=f"Transfer over widths. {'; '.join(parts_en)}.", ja=f"幅への転移。{'、'.join(parts_ja)}。")


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
    return Text(en=f"{en}.", ja=f"{ja}。")


def _finished(one: SearchResult) -> bool:
    return any(point.value is not None for point in one.tried)


def gains_words(gains: pl.DataFrame, at: AtTarget) -> Text:
    """Percent of the loss saved over tuned AdamW at the largest size, and what becomes of it with size."""
    over_tuned = gains.filter(pl.col("against") == "AdamW, tuned")
    last = gains["size"][-1]
    rows = over_tuned.filter(pl.col("size") == last)
    if rows.is_empty():
        return NOTHING
    parts_en, parts_ja = [], []
    for row in rows.iter_rows(named=True):
        en, ja = _interval(row["low"], row["high"], "+.1f")
        parts_en.append(f"{row['variant']} {row['gain']:+.1f} % ({en})")
        parts_ja.append(f"{row['variant']} {row['gain']:+.1f} %({ja})")
    en = f"Over tuned AdamW at {last}: {'; '.join(parts_en)} of the loss."
    ja = f"{last} での調整済み AdamW に対する改善:{'、'.join(parts_ja)}。"
    gaining = set(over_tuned.filter(pl.col("low") > 0)["variant"])
    moving = [one for one in at.effects if one.variant in gaining and one.trend != "one size"]
    if moving:
        en += " With size the gain of " + "; ".join(f"{one.variant} {TRENDS[one.trend].en}" for one in moving) + "."
        ja += "規模による改善の変化:" + "、".join(f"{one.variant} {TRENDS[one.trend].ja}" for one in moving) + "。"
    return Text(en=en, ja=ja)


def worth_words(saved: Sequence[TokensSaved], size: str) -> Text:
    """How many of tuned AdamW's tokens a token is worth at ``size``; empty where no factor is finite."""
    parts_en, parts_ja = [], []
    for one in saved:
        if not all(math.isfinite(end) for end in one.factor) or one.factor[0] <= 0:
            continue
        low, middle, high = one.factor
        beyond = ("", "") if one.inside else (", beyond the lengths trained", "、学習した長さの外")
        parts_en.append(f"{one.variant} x{middle:.2f} ({low:.2f} to {high:.2f}{beyond[0]})")
        parts_ja.append(f"{one.variant} {middle:.2f} 倍({low:.2f}〜{high:.2f}{beyond[1]})")
    if not parts_en:
        return NOTHING
    return Text(
        en=f"At {size} one token is worth so many of tuned AdamW: {'; '.join(parts_en)}.",
        ja=f"{size} での 1 トークンの価値(調整済み AdamW のトークン数で):{'、'.join(parts_ja)}。",
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
        at = f"{100 * middle.widest['progress']:.0f} %"
        before, after = (_spread(row) for row in (middle.widest, middle.end))
        parts_en.append(
            f"at {at} of a run {middle.variant} looks {before.en} bits per byte off {middle.baseline}, at its end {after.en}: compare ends only"
        )
        parts_ja.append(
            f"途中({at})の差 {before.ja} は終点で {after.ja} bits/byte になるため、比較は終点だけで行うべき"
        )
    if not parts_en:
        return NOTHING
    return Text(en=f"Schedules: {'; '.join(parts_en)}.", ja=f"スケジュール:{'、'.join(parts_ja)}。")


def _spread(row: Mapping[str, float]) -> Text:
    ends = _interval(row["low"], row["high"], "+.3f")
    return Text(en=f"{row['difference']:+.3f} ({ends[0]})", ja=f"{row['difference']:+.3f}({ends[1]})")


def epochs_words(table: pl.DataFrame | None, dropped: pl.DataFrame | None) -> Text:
    """Repeated text, and dropout on it."""
    titles = [] if table is None else [epochs_title(table)]
    if dropped is not None and len(dropped):
        titles.append(dropout_title(dropped))
    return Text(en=" ".join(f"{one.en}." for one in titles), ja="".join(f"{one.ja}。" for one in titles))


def batch_words(
    law: CarriedOptimum | None, reason: Text | None, fits: Mapping[int, Mapping[int, Valley]], batches: Batches | None
) -> Text:
    """The law of the best batch, or why there is none and what is known."""
    if batches is None or not fits:
        return NOTHING
    rule = f"rate with the batch to the power {batches.rate_exponent:g}"
    rule_ja = f"学習率はバッチの {batches.rate_exponent:g} 乗に比例"
    if len(batches.lr_factors) > 1:
        rule += f" and {len(batches.lr_factors)} rates about it"
        rule_ja += f"、その前後 {len(batches.lr_factors)} 通り"
    if law is None:
        cells = [fit for by_length in fits.values() for fit in by_length.values()]
        known = [f"{number(fit.optimum)} at {fit.budget}" for fit in cells if fit.optimum is not None]
        return Text(
            en=f"Batch ({rule}): no law, {reason.en}; optima inside the range: {', '.join(known) or 'none'}.",
            ja=f"バッチ({rule_ja}):法則は求まりません。範囲内の最適点は {len(cells)} 条件中 {len(known)}。",
        )
    low, middle, high = law.exponents["tokens"]
    best = tuple(number(value) for value in law.optimum)
    return Text(
        en=f"Batch ({rule}): the optimum goes with training tokens to the power {middle:.2f} ({low:.2f} to {high:.2f}), which would be "
        f"{best[1]} tokens a step at the target ({best[0]} to {best[2]}; {law.factor['tokens']:.2g} times the longest run here).",
        ja=f"バッチ({rule_ja}):最適点は学習トークン数の {middle:.2f} 乗({low:.2f}〜{high:.2f})、目標では 1 ステップ {best[1]} トークン"
        f"({best[0]}〜{best[2]}、本研究の最長の {law.factor['tokens']:.2g} 倍への外挿)。",
    )


def objective_words(table: pl.DataFrame | None) -> Text:
    """``table``: against causal, on plain text."""
    subject = Text(en="Objectives, read as causal models", ja="学習目的(因果言語モデルとして)")
    return comparison_words(table, "causal", subject)


def infilling_words(infilling: pl.DataFrame | None) -> Text:
    """``infilling``: from ``infilling_table``."""
    if infilling is None or infilling.is_empty():
        return NOTHING
    parts_en, parts_ja = [], []
    for row in infilling.iter_rows(named=True):
        spread, worth = _spread(row), _interval(row["gain_low"], row["gain_high"], "+.3f")
        parts_en.append(
            f"{row['variant']} {row['span']} {spread.en}, the text behind being worth {row['gain']:+.3f} ({worth[0]})"
        )
        parts_ja.append(f"{row['variant']} {row['span']} {spread.ja}、後ろの文脈の価値 {row['gain']:+.3f}({worth[1]})")
    return Text(
        en="Filling in with text on both sides, bits per byte of the span above the causal model's from the left alone: "
        f"{'; '.join(parts_en)}.",
        ja=f"両側の文脈からの穴埋め(左側だけの causal との差、区間の bits/byte):{';'.join(parts_ja)}。",
    )


def search_words(searches: Mapping[str, SearchResult], noise: NoiseFloor) -> Text:
    if not {"grid", "pruned"} <= set(searches):
        return NOTHING
    title = search_title(searches, noise)
    early, whole = _best_at_first(searches["pruned"]), searches["grid"].best.point
    if early == whole:
        return Text(en=f"{title.en}.", ja=f"{title.ja}。")
    short, long = (
        ", ".join(f"{key.rpartition('.')[2]} {_short(value)}" for key, value in one.items()) for one in (early, whole)
    )
    return Text(
        en=f"{title.en}. The first rung prefers {short}, the whole run {long}: what is best moves with the length of a run.",
        ja=f"{title.ja}。最初の段では {short}、最後まで学習すると {long} が最良で、最適値は学習の長さとともに動きます。",
    )


def _best_at_first(search: SearchResult) -> dict:
    return min((one for one in search.tried if one.values[0] is not None), key=lambda one: one.values[0]).point


def _short(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)


def verdict(
    decisions: Mapping[str, Decision], size: str, noise: NoiseFloor, at: AtTarget, settings: Sequence[Setting]
) -> Text:
    """What stands at the head of the idea's page."""
    opening, target = leader_words(decisions, size), target_words(at)
    open_ = [one.name for one in settings if not one.decided]
    end_en = f"For 10B these stay open: {', '.join(open_)}." if open_ else "All settings are decided."
    end_ja = f"10B について未決の項目:{'、'.join(open_)}。" if open_ else "すべての項目が決まりました。"
    return Text(
        en=f"{opening.en} Detectable effect: {noise.mde:.4f} bits per byte. {target.en} {end_en}",
        ja=f"{opening.ja}検出可能差は {noise.mde:.4f} bits/byte。{target.ja}{end_ja}",
    )


def next_run(decision: Decision, scale: str, decided: bool) -> Text | None:
    if decided:
        return following.next_run(decision, None)
    wanted = Text(
        en="To carry settings to 10B, gains and optima are needed at three sizes or more: study run hyperparameters --scale cpu, or gpu.",
        ja="10B へ外挿するには 3 つ以上の規模での改善幅と最適点が必要です:study run hyperparameters --scale cpu または gpu。",
    )
    return following.next_run(decision, wanted)


def extrapolation(
    settings: Sequence[Setting],
    at: AtTarget,
    rate: tuple[CarriedOptimum | None, Text | None],
    batch: tuple[CarriedOptimum | None, Text | None],
    transfers: Mapping[str, RateTransfer],
    fits: Mapping[str, Mapping[int, Valley]],
    batch_fits: Mapping[int, Mapping[int, Valley]],
) -> dict:
    """What result.json says about 10B: every setting, the laws of rate and batch or why there is none, and the optima."""
    moved = {
        init: {"state": one.state, "octaves": one.shift, "given_away_bpb": one.given_away}
        | ({"reason": one.reason} if one.reason else {})
        for init, one in transfers.items()
    }
    laws = {}
    for name, (law, reason) in (("rate", rate), ("batch", batch)):
        laws |= {f"{name}_law": law.as_dict()} if law is not None else {f"{name}_law_not_carried": reason}
    return {
        "settings": {
            one.name: {key: value for key, value in one.as_dict().items() if key != "setting"} for one in settings
        },
        "optimizers": carried(at),
        **laws,
        "transfer_over_widths": moved,
        "optimum_by_width": {init: optima(list(by_width.values())) for init, by_width in fits.items()},
        "best_batch": {str(width): optima(list(by_length.values())) for width, by_length in batch_fits.items()},
    }
