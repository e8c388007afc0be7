"""Whether one learning rate was fair to all variants."""

from __future__ import annotations

import polars as pl

from studylib.result import Text


def learning_rate_words(table: pl.DataFrame, margin: float, subject: Text) -> Text:
    """Whether one learning rate was fair to all variants."""
    if table.is_empty():
        return Text(
            en=f"Learning rates follow CompleteP and were not tuned per {subject.en}; no check was asked for (lr_factors).",
            ja=f"学習率は CompleteP に従い、{subject.ja}ごとの調整と確認(lr_factors)は行っていません。",
        )
    if table["given_away"].is_null().all():
        return Text(
            en=f"Learning rates follow CompleteP, not tuned per {subject.en}. Others were tried with one seed only, which cannot "
            "both choose a rate and judge it.",
            ja=f"学習率は CompleteP に従い{subject.ja}ごとには調整していません。別の学習率は 1 シードで試しただけなので、"
            "選択と評価を分けられません。",
        )
    worst = table["given_away"].max()
    least = table["given_away"].min()
    fair = worst - least <= margin
    return Text(
        en=f"Learning rates follow CompleteP, not tuned per {subject.en}. Trying others on {len(table)} {subject.en}s, the "
        f"common rate {_given_away(least, worst)}, judged by seeds that did not choose: "
        + (
            "within noise, so the comparison is fair."
            if fair
            else f"more than the noise, so {subject.en}s differ by tuning too."
        ),
        ja=f"学習率は CompleteP に従い{subject.ja}ごとには調整していません。{len(table)} {subject.ja}で別の学習率を試し、選択に"
        f"使わなかったシードで評価すると、"
        f"共通の学習率の損は{'ありません' if worst == least == 0 else f' {least:+.4f}〜{worst:+.4f} bits/byte です'}。"
        + ("誤差内なので比較は公平です。" if fair else f"誤差を超えるため、{subject.ja}の差に調整の差が混じります。"),
    )


def _given_away(least: float, worst: float) -> str:
    if worst == least == 0:
        return "is the best of them for each"
    return f"gives away between {least:+.4f} and {worst:+.4f} bits per byte"
