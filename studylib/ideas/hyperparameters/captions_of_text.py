"""Title and text alternative of the figures on what is read: repeated text, dropout on it, objectives, filling in."""

from __future__ import annotations

import polars as pl

from studylib.ideas._shared.differences import comparison_title
from studylib.ideas.hyperparameters.tables import overfits_from
from studylib.result import Text


def epochs_title(table: pl.DataFrame) -> Text:
    first, most = overfits_from(table), table["epochs"].max()
    if first is None:
        return Text(
            en=f"Up to {most:g} epochs cannot be told from fresh text",
            ja=f"{most:g} エポックまでは新しい文章と区別できない",
        )
    difference, low, high = table.filter(pl.col("epochs") == first).select("difference", "low", "high").row(0)
    return Text(
        en=f"From {first:g} epochs on, repeated text is worse than fresh ({difference:+.3f}, {low:+.3f} to {high:+.3f} bits per byte)",
        ja=f"{first:g} エポック以上の繰り返しは新しい文章より悪い({difference:+.3f}、区間 {low:+.3f}〜{high:+.3f} bits/byte)",
    )


def epochs_alt(table: pl.DataFrame) -> Text:
    listed = ", ".join(f"{row['epochs']:g}: {row['difference']:+.4f}" for row in table.iter_rows(named=True))
    return Text(
        en=f"Loss above fresh text by number of epochs at equal tokens, paired 95 % intervals: {listed}.",
        ja=f"同じトークン数でのエポック数ごとの損失差(対応のある 95 % 区間):{listed}。",
    )


def dropout_title(table: pl.DataFrame) -> Text:
    """From how many epochs on dropout helps, and what it costs on fresh text."""
    helps = table.filter(pl.col("significant") & (pl.col("difference") < 0)).sort("epochs", "difference")
    fresh = table.filter(pl.col("epochs") == 1).sort("difference")
    cost_en = cost_ja = ""
    if len(fresh):
        # The mildest share: the others cost more, and one that helped would be in the first half of the title.
        share, difference, told = fresh.select("dropout", "difference", "significant").row(0)
        if told and difference > 0:
            cost_en = f"; on fresh text even {share:g} costs {difference:.3f}"
            cost_ja = f"。新しい文章では {share:g} でも {difference:.3f} の損"
        elif not told:
            cost_en, cost_ja = f"; on fresh text {share:g} cannot be told", f"。新しい文章では {share:g} は区別できない"
    if helps.is_empty():
        most = table["epochs"].max()
        return Text(
            en=f"No gain from dropout is seen at up to {most:g} epochs{cost_en}",
            ja=f"{most:g} エポックまで dropout の効果は見えない{cost_ja}",
        )
    row = helps.row(0, named=True)
    return Text(
        en=f"Dropout {row['dropout']:g} helps from {row['epochs']:g} epochs on ({row['difference']:+.3f} bits per byte){cost_en}",
        ja=f"dropout {row['dropout']:g} は {row['epochs']:g} エポック以上で効く({row['difference']:+.3f} bits/byte){cost_ja}",
    )


def dropout_alt(table: pl.DataFrame) -> Text:
    listed = "; ".join(
        f"dropout {row['dropout']:g} at {row['epochs']:g}: {row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"
        for row in table.iter_rows(named=True)
    )
    return Text(
        en=f"Loss with dropout above that without, by number of epochs, paired 95 % intervals: {listed}.",
        ja=f"エポック数ごとの、dropout ありとなしの損失差(対応のある 95 % 区間):{listed}。",
    )


def objectives_title(table: pl.DataFrame) -> Text:
    told = comparison_title(table, "causal")
    return Text(en=f"Judged as a causal model: {told.en}", ja=f"因果言語モデルとして:{told.ja}")


def infilling_title(table: pl.DataFrame) -> Text:
    """Who fills gaps better with the text behind them than the causal model does without."""
    if table.is_empty():
        return Text(en="No objective here sees the text behind a span", ja="後ろの文脈を読める学習目的がない")
    better = table.filter(pl.col("significant") & (pl.col("difference") < 0)).sort("difference")
    if better.is_empty():
        return Text(
            en="With the text behind a span too, no objective is seen to fill it better than the causal model without",
            ja="後ろの文脈を与えても、左側だけの causal より良く穴埋めできる学習目的は見られない",
        )
    row = better.row(0, named=True)
    return Text(
        en=f"With the text behind it too, {row['variant']} fills a {row['span']} span {-row['difference']:.2f} bits per byte better than causal without",
        ja=f"後ろの文脈も読む {row['variant']} は、左側だけの causal より {row['span']} 区間を {-row['difference']:.2f} bits/byte 良く埋める",
    )


def infilling_alt(table: pl.DataFrame) -> Text:
    listed = "; ".join(
        f"{row['variant']} {row['span']} {row['level']:.3f} (causal from the left {row['left']:.3f})"
        for row in table.iter_rows(named=True)
    )
    return Text(
        en=f"Bits per byte of held-out spans by objective, given the text before them and on both sides. Both sides: {listed or 'none'}.",
        ja=f"学習目的ごとの区間の bits/byte(左側のみ、両側)。両側:{listed or 'なし'}。",
    )
