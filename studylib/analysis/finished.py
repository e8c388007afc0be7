"""Which variants finished often enough to be judged."""

from __future__ import annotations

import polars as pl


def finished_variants(trials: pl.DataFrame) -> set[str]:
    """Variants with two seeds or more: those that can be judged."""
    done = trials.filter((pl.col("status") == "done") & pl.col("val_bpb").is_finite().fill_null(False))
    counts = done.group_by("variant").agg(pl.col("seed").n_unique())
    return set(counts.filter(pl.col("seed") > 1)["variant"])


def judged(trials: pl.DataFrame) -> pl.DataFrame:
    """The trials without those of variants that cannot be judged at some size; the report lists their failures."""
    sizes = trials["size"].unique(maintain_order=True)
    known = set.intersection(*(finished_variants(trials.filter(pl.col("size") == size)) for size in sizes))
    return trials.filter(pl.col("variant").is_in(sorted(known)))


def typical_params(rows: pl.DataFrame) -> float:
    """Non-embedding parameters of the typical variant of a size: the lower median of ``non_embedding_params``."""
    return float(rows["non_embedding_params"].quantile(0.5, "lower"))
