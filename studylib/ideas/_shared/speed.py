"""Training speed, measured alone."""

from __future__ import annotations

import polars as pl

from studylib.ideas._shared.variants import BASELINE
from studylib.result import Text


def speed_title(trials: pl.DataFrame, size: str) -> Text:
    """The fastest and slowest against the baseline."""
    rates = trials.group_by("variant").agg(pl.col("tokens_per_s").median()).drop_nulls().sort("tokens_per_s")
    base = rates.filter(pl.col("variant") == BASELINE)["tokens_per_s"][0]
    slow, fast = rates.row(0), rates.row(-1)
    return Text(
        en=f"At {size}, {fast[0]} trains at {fast[1] / base:.2f} times the baseline's speed and {slow[0]} at {slow[1] / base:.2f}",
        ja=f"{size} での学習速度は基準に対し {fast[0]} が {fast[1] / base:.2f} 倍、{slow[0]} が {slow[1] / base:.2f} 倍",
    )


def speed_alt(trials: pl.DataFrame, subject: Text) -> Text:
    rates = trials.group_by("variant", maintain_order=True).agg(pl.col("tokens_per_s").median()).drop_nulls()
    listed = ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.rows())
    return Text(
        en=f"Training tokens per second of each {subject.en}, measured alone: {listed}.",
        ja=f"単独で測った各{subject.ja}の学習速度(トークン/秒):{listed}。",
    )
