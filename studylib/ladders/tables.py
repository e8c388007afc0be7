"""Tables from files: CSV, JSON lines and parquet, everything wrong in one line."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from studylib.errors import StudyError, invalid

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


def read_table(file: Path) -> pl.DataFrame:
    """The table in ``file``, of the format that its suffix names.

    Raises
    ------
    StudyError
        There is no such file, its suffix is not known, or it is damaged or empty.
    """
    if file.suffix not in SUFFIXES:
        raise invalid("table", str(file), "has no suffix of a table", choices=SUFFIXES)
    if not file.is_file():
        raise StudyError(f"{file}: there is no such file")
    try:
        if file.suffix in (".csv", ".tsv"):
            return pl.read_csv(file, separator="\t" if file.suffix == ".tsv" else ",", infer_schema_length=None)
        if file.suffix == ".parquet":
            return pl.read_parquet(file)
        return pl.read_ndjson(file, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        why = (str(error).strip().splitlines() or ["empty"])[0]
        raise StudyError(f"{file}: cannot be read as a table: {why}") from None
