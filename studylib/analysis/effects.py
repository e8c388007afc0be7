"""What a choice is worth at each size, by itself; ``at_target`` takes all sizes together."""

from __future__ import annotations

import polars as pl

from studylib.analysis.paired import compare_to_baseline
from studylib.errors import StudyError


def effects_by_size(trials: pl.DataFrame, baseline: str) -> pl.DataFrame:
    """`compare_to_baseline` at each size with two seeds or more: its columns, and ``size`` and ``params`` (the baseline's, without embeddings).

    ``p_holm`` is adjusted for the variants of one size.
    """
    tables = []
    for (label,), own in trials.group_by(["size"], maintain_order=True):
        if own["seed"].n_unique() < 2:
            continue
        table = compare_to_baseline(own, baseline)
        params = own.filter(pl.col("variant") == baseline)["non_embedding_params"].cast(pl.Int64)[0]
        tables.append(table.with_columns(pl.lit(str(label)).alias("size"), pl.lit(params).alias("params")))
    if not tables:
        raise StudyError("no size has trials of two seeds, so nothing can be compared")
    return pl.concat(tables)
