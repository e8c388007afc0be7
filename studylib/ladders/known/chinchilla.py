"""Runs of the Chinchilla paper's kind, as kyo-takano's package ``chinchilla`` has them: 234 rows of compute, N, D and loss."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from studylib.ladders import Ladder, LadderFile
from studylib.ladders.columns import canonical
from studylib.ladders.tables import read_table

__all__ = ["CHINCHILLA"]

_COMMIT = "75e5858f"
_FILE = "df.csv"


def _read(folder: Path) -> pl.DataFrame:
    rows = read_table(folder / _FILE)
    found = rows.select(
        pl.col("N").alias("params"), pl.col("N").alias("total_params"), pl.col("D").alias("tokens"), "loss",
        pl.col("C").alias("flops"),
    )  # fmt: skip
    return canonical(found, file=folder / _FILE, ladder="chinchilla")


CHINCHILLA = Ladder(
    name="chinchilla", title="Chinchilla-style runs (kyo-takano)", folder="kyo-takano-chinchilla",
    repository="https://github.com/kyo-takano/chinchilla", commit=_COMMIT, licence="Apache-2.0",
    files=(
        LadderFile(
            _FILE, f"https://raw.githubusercontent.com/kyo-takano/chinchilla/{_COMMIT}/examples/llm/{_FILE}",
            "2ed2c412c6b408cb26896b92c0721fe9afa6515726b0db78c33db37cbf2816f9",
        ),
    ),
    read=_read,
)  # fmt: skip
