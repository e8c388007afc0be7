"""What a variant gains over a baseline at every size."""

from __future__ import annotations

import polars as pl

from studylib.analysis.paired import compare_to_baseline
from studylib.errors import StudyError


def relative_gains(trials: pl.DataFrame, baseline: str) -> pl.DataFrame:
    """Loss saved against ``baseline`` in percent of its loss, with the paired 95 % interval; positive is better.

    A row a variant and size, in the order of ``trials``: ``variant, size, gain, low, high, params`` (non-embedding). Sizes
    without two pairs are left out.
    """
    tables = []
    for (name,), group in trials.group_by(["size"], maintain_order=True):
        level = group.filter((pl.col("variant") == baseline) & (pl.col("status") == "done"))
        try:
            table = compare_to_baseline(group, baseline)
        except StudyError:  # no two seeds finished at this size: the others may have
            continue
        scale = -100 / float(level["val_bpb"].mean())
        tables.append(
            table.filter(pl.col("low").is_not_null()).select(
                "variant",
                pl.lit(str(name)).alias("size"),
                (pl.col("difference") * scale).alias("gain"),
                (pl.col("high") * scale).alias("low"),
                (pl.col("low") * scale).alias("high"),
                pl.lit(float(level["non_embedding_params"][0])).alias("params"),
            )
        )
    if not tables:
        raise StudyError(f"no size has two seeds of {baseline} and of another variant")
    return pl.concat(tables)
