"""Paired differences to a baseline."""

from __future__ import annotations

import polars as pl

from studylib.ideas._shared.numbers import NOTHING
from studylib.result import Text


def comparison_title(table: pl.DataFrame, baseline: str) -> Text:
    """How many of the others differ from the baseline by more than chance, and the largest difference."""
    known = table.filter(pl.col("difference").is_not_null())
    told = known.filter(pl.col("significant"))
    if told.is_empty():
        noise = known["mde"].max()
        return Text(
            en=f"None differs significantly from {baseline} (detectable: {noise:.4f} bits per byte)",
            ja=f"{baseline} と有意に異なる案はない(検出可能差 {noise:.4f} bits/byte)",
        )
    name, difference = told.sort(pl.col("difference").abs()).select("variant", "difference").row(-1)
    word_en, word_ja = ("better", "良い") if difference < 0 else ("worse", "悪い")
    return Text(
        en=f"{len(told)} of {len(known)} differ significantly from {baseline}; {name} is {abs(difference):.4f} bits per byte {word_en}",
        ja=f"{len(known)} 案中 {len(told)} 案が {baseline} と有意に異なり、{name} は {abs(difference):.4f} bits/byte {word_ja}",
    )


def comparison_alt(table: pl.DataFrame, baseline: str) -> Text:
    known = table.filter(pl.col("difference").is_not_null())
    listed = ", ".join(f"{name} {difference:+.4f}" for name, difference in known.select("variant", "difference").rows())
    return Text(
        en=f"Bits per byte above {baseline} at the same seed: {listed}.",
        ja=f"同じシードでの {baseline} との差(bits/byte):{listed}。",
    )


def comparison_words(table: pl.DataFrame | None, baseline: str, subject: Text) -> Text:
    """One sentence a comparison, for the verdict; empty without trials of the kind."""
    if table is None:
        return NOTHING
    parts_en, parts_ja = [], []
    for row in table.filter(pl.col("low").is_not_null()).iter_rows(named=True):
        ends = f"{row['difference']:+.4f} ({row['low']:+.4f} to {row['high']:+.4f})"
        parts_en.append(f"{row['variant']} {ends}")
        parts_ja.append(f"{row['variant']} {ends.replace(' to ', '〜')}")
    return Text(
        en=f"{subject.en}, bits per byte above {baseline}: {'; '.join(parts_en)}.",
        ja=f"{subject.ja}({baseline} との差、bits/byte):{'、'.join(parts_ja)}。",
    )
