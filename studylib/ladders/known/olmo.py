"""The OLMo ladder (arXiv 2412.04403): 190M to 3B at 0.5 to 10 times Chinchilla's tokens, reruns, and OLMo 2 7B and 13B.

Upstream a file a run (evaluations by step); here the last evaluation of each in one table, ``tidy.csv``.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from studylib.errors import StudyError
from studylib.ladders import Ladder, LadderFile
from studylib.ladders.columns import canonical
from studylib.ladders.tables import read_table

__all__ = ["OLMO"]

_BESIDE = ("run", "size", "N", "multiplier", "rerun", "D", "gflops")


def _read(folder: Path) -> pl.DataFrame:
    """Losses by validation set. Of the 7B there are two rows; the one before its anneal has no tokens and is left out."""
    file = folder / "tidy.csv"
    rows = read_table(file)
    if missing := set(_BESIDE) - set(rows.columns):
        raise StudyError(f"{file}: column {sorted(missing)[0]!r} is missing")
    sets = [name for name in rows.columns if name not in _BESIDE]
    found = (
        rows.filter(pl.col("D").is_not_null())
        .unpivot(sets, index=list(_BESIDE), variable_name="metric", value_name="loss")
        .select(
            "metric", "run", pl.col("N").alias("params"), pl.col("N").alias("non_embedding_params"), pl.col("D").alias("tokens"),
            "loss", (pl.col("gflops") * 1e9).alias("flops"), "rerun",
        )
    )  # fmt: skip
    return canonical(found, file=file, ladder="olmo")


OLMO = Ladder(
    name="olmo", title="OLMo ladder", folder="olmo-ladder",
    repository="https://github.com/allenai/OLMo-ladder", commit="67a3f440f787d020da35e3ca8eeae475fae754f5", licence="Apache-2.0",
    files=(LadderFile("tidy.csv", None, "eea2fdcd2f60511f7b337c4120f81f5d59734db46cbaeeb3cf623eb0fb656796"),),
    read=_read,
)  # fmt: skip
