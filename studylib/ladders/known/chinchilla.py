"""Runs of the Chinchilla paper (arXiv 2203.15556) with C > 1e18 and N < D, read off its figure; from the package ``chinchilla``."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from studylib.ladders import Ladder, LadderFile
from studylib.ladders.columns import canonical
from studylib.ladders.tables import read_table

__all__ = ["CHINCHILLA"]

_COMMIT = "6e34bdd639e66ed2a987be7a59fb597087a86c1a"  # the last one that changed the file
_FILE = "df.csv"


def _read(folder: Path) -> pl.DataFrame:
    rows = read_table(folder / _FILE)
    found = rows.select(
        pl.col("N").alias("params"), pl.col("N").alias("total_params"), pl.col("D").alias("tokens"), "loss",
        pl.col("C").alias("flops"),
    )  # fmt: skip
    return canonical(found, file=folder / _FILE, ladder="chinchilla")


CHINCHILLA = Ladder(
    name="chinchilla", title="Chinchilla, 234 runs", folder="kyo-takano-chinchilla",
    repository="https://github.com/kyo-takano/chinchilla", commit=_COMMIT, licence="Apache-2.0",
    files=(
        LadderFile(
            _FILE, f"https://raw.githubusercontent.com/kyo-takano/chinchilla/{_COMMIT}/examples/llm/{_FILE}",
            "2ed2c412c6b408cb26896b92c0721fe9afa6515726b0db78c33db37cbf2816f9",
        ),
    ),
    read=_read,
)  # fmt: skip
