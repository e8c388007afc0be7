"""Titles and text alternatives of idea 4's figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

import polars as pl

from studylib.analysis import Decision, TokensSaved
from studylib.ideas._shared import leaders
from studylib.ideas._shared.differences import comparison_alt
from studylib.numbers import short
from studylib.result import Text

ORDER = Text(en="order", ja="順序")

orders_alt = comparison_alt
p_best_title, p_best_alt = leaders.p_best_title, partial(leaders.p_best_alt, subject=ORDER)


def curves_title(forgotten: pl.DataFrame, source: str) -> Text:
    """What the last stage did to a helper, in the variant that forgot most."""
    means = forgotten.group_by("variant", maintain_order=True).agg(pl.col("forgotten").mean()).sort("forgotten")
    name, lost = means.row(-1)
    return Text(
        en=f"{name}: {lost:.2f} bits per byte of {source} are forgotten again once the last stage begins",
        ja=f"{name}:最後の段階で {source} の損失が {lost:.2f} bits/byte 戻る(忘却)",
    )


def curves_alt(borders: Mapping[str, Sequence[int]], sources: Sequence[str]) -> Text:
    ends = sorted({end for found in borders.values() for end in found})
    listed = ", ".join(short(end) for end in ends) or "none"
    return Text(
        en=f"Validation bits per byte of {', '.join(sources)} along training, a line an order; stages begin at {listed} tokens.",
        ja=f"学習中の {'、'.join(sources)} の検証 bits/byte。順序ごとに 1 本の線。段階の境界:{listed} トークン。",
    )


def orders_title(decision: Decision, table: pl.DataFrame, baseline: str) -> Text:
    better = table.filter(pl.col("significant") & (pl.col("difference") < 0))["variant"].to_list()
    worse = len(table.filter(pl.col("significant") & (pl.col("difference") > 0)))
    return Text(
        en=f"Of {len(table)} orders {len(better)} beat {baseline} at equal FLOPs and {worse} fall behind; {decision.leader} leads",
        ja=f"同一 FLOPs で {baseline} より良い順序は {len(better)}、悪い順序は {worse}。首位は {decision.leader}",
    )


def saved_title(rows: Sequence[TokensSaved]) -> Text:
    best = max(rows, key=lambda one: one.factor[1])
    low, middle, high = (times(value) for value in best.factor)
    return Text(
        en=f"{best.variant}: one Japanese token does the work of {middle} ({low} to {high})",
        ja=f"{best.variant}:日本語 1 トークンが {middle} トークン分({low}〜{high})に相当",
    )


def saved_alt(rows: Sequence[TokensSaved]) -> Text:
    listed = "; ".join(f"{one.variant} spent {short(one.spent)}, needed {_needed(one)}" for one in rows)
    return Text(
        en=f"Japanese tokens spent by each order, and those a Japanese-only run needs for the same loss. {listed}.",
        ja=f"各順序が使った日本語トークン数と、日本語のみの学習で同じ損失に必要なトークン数。{listed}。",
    )


def _needed(one: TokensSaved) -> str:
    low, _, high = (short(value) if math.isfinite(value) else "no end" for value in one.needed)
    return f"{low} to {high}"


def times(value: float) -> str:
    return "∞" if math.isinf(value) else f"{value:.2f}"


def facts_title(table: pl.DataFrame) -> Text:
    asked = table.filter(pl.col("group") == "english_only_in_japanese")
    carried = len(asked.filter(pl.col("low") > 0))
    return Text(
        en=f"Told only in English, known in Japanese: shown for {carried} of {len(asked)} orders",
        ja=f"英語だけで語られた事実を日本語で知るのは {len(asked)} 順序中 {carried}",
    )


def facts_alt(table: pl.DataFrame) -> Text:
    rows = table.filter(pl.col("group") == "english_only_in_japanese").select("variant", "margin").rows()
    listed = ", ".join(f"{name} {margin:+.2f}" for name, margin in rows)
    return Text(
        en=f"Log-likelihood of right answers above wrong ones by group of questions. English-only facts in Japanese: {listed}.",
        ja=f"質問群ごとの、正答と誤答の対数尤度の差。英語だけの事実を日本語で質問:{listed}。",
    )


def position_title(table: pl.DataFrame, baseline: str) -> Text:
    name, early, late = table.sort("late").row(0)
    return Text(
        en=f"{name} differs from {baseline} by {early:+.3f} nats early in the context and {late:+.3f} late",
        ja=f"{name} と {baseline} の差は文脈の前方で {early:+.3f}、後方で {late:+.3f} nats",
    )


def position_alt(table: pl.DataFrame, baseline: str) -> Text:
    listed = "; ".join(f"{name} early {early:+.3f}, late {late:+.3f}" for name, early, late in table.rows())
    return Text(
        en=f"Loss by position in the context against {baseline}, nats per token. {listed}.",
        ja=f"文脈内の位置ごとの損失と {baseline} との差(nats/トークン)。{listed}。",
    )


def dose_title(tables: Mapping[str, pl.DataFrame]) -> Text:
    """Where made text helps and where it starts to hurt, by kind."""
    names = {"sampled": "モデルが生成した文章", "rewritten": "規則による書き換え"}
    parts_en, parts_ja = [], []
    for kind, table in tables.items():
        best = table.sort("difference").row(0, named=True)
        helps = table.filter(pl.col("effect") == "helps")["ratio"].to_list()
        hurts = table.filter(pl.col("effect") == "hurts")["ratio"].to_list()
        shares = ", ".join(f"{100 * ratio:g} %" for ratio in helps)
        if helps:
            en, ja = f"{kind} text helps at {shares}", f"{names[kind]}は {shares} で有効"
            en += f" (best at {100 * best['ratio']:g} %: {best['difference']:+.4f} bits per byte)"
            ja += f"(最良 {100 * best['ratio']:g} %:{best['difference']:+.4f} bits/byte)"
        else:
            en, ja = f"{kind} text is not shown to help at any share", f"{names[kind]}はどの割合でも有効と言えません"
        if hurts:
            en += f" and hurts from {100 * min(hurts):g} %"
            ja += f"、{100 * min(hurts):g} % から有害"
        parts_en.append(en)
        parts_ja.append(ja)
    return Text(en="; ".join(parts_en), ja="。".join(parts_ja))


def dose_alt(tables: Mapping[str, pl.DataFrame]) -> Text:
    listed = "; ".join(
        f"{kind} {100 * ratio:g} % {difference:+.4f}"
        for kind, table in tables.items()
        for ratio, difference in table.select("ratio", "difference").rows()
    )
    return Text(
        en=f"Bits per byte against scarce text alone, by share of made text: {listed}.",
        ja=f"疑似データの割合ごとの、不足した日本語のみとの差(bits/byte):{listed}。",
    )
