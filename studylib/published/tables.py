"""The three files: ``records.parquet``, a row a step; ``curves.parquet``, a row a point of a learning curve; ``rows.parquet``, a row an
item that a model was asked."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from studylib.errors import StudyError
from studylib.published.rows import Row

RECORDS_FILE, CURVES_FILE, ROWS_FILE = "records.parquet", "curves.parquet", "rows.parquet"
KEY = ("kind", "hash")
_RECORDS = dict.fromkeys((*KEY, "label", "status", "specification", "record"), pl.String)
_BELOW = dict.fromkeys(KEY, pl.String) | {"place": pl.Int64}
_LEVEL = 19  # of zstd: written once, kept for good


@dataclass(frozen=True)
class Tables:
    """What is published of each step, once, sorted.

    Attributes
    ----------
    records
        Columns ``kind, hash, label, status, specification, record``; the last two are JSON.
    below
        By the name of the file, a frame of several rows a step: ``kind, hash, place`` (counted from 0) and what they hold.
    """

    records: pl.DataFrame
    below: dict[str, pl.DataFrame]

    @classmethod
    def of(cls, records: Sequence[Row], curves: Sequence[Row], rows: Sequence[pl.DataFrame]) -> Tables:
        """From what `rows_of` finds."""
        empty = pl.DataFrame(schema=_BELOW)
        curve = pl.DataFrame(curves, schema_overrides=_BELOW, infer_schema_length=None) if curves else empty
        below = {CURVES_FILE: curve, ROWS_FILE: pl.concat([empty, *rows], how="diagonal_relaxed")}
        return cls(pl.DataFrame(records, schema=_RECORDS), below)

    @classmethod
    def read(cls, folder: Path) -> Tables:
        """What a folder has published; empty where there is nothing yet.

        Raises
        ------
        StudyError
            A file cannot be read, or lacks a column.
        """
        below = {name: _read(folder / name, _BELOW) for name in (CURVES_FILE, ROWS_FILE)}
        return cls(_read(folder / RECORDS_FILE, _RECORDS).select(*_RECORDS), below)

    def with_newer(self, newer: Tables) -> Tables:
        """Both; of a step that both have what is newer, but what is done is not given up for a failure."""
        kept = self.records.filter(pl.col("status") == "done").select(KEY)
        failed = newer.records.filter(pl.col("status") != "done").join(kept, on=KEY, how="semi").select(KEY)
        records = newer.records.join(failed, on=KEY, how="anti")
        replaced = records.select(KEY)

        def both(ours: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
            parts = (ours.join(replaced, on=KEY, how="anti"), theirs.join(failed, on=KEY, how="anti"))
            return pl.concat(parts, how="diagonal_relaxed")

        below = {name: both(frame, newer.below[name]) for name, frame in self.below.items()}
        return Tables(both(self.records, newer.records), below)

    def files(self) -> dict[str, bytes]:
        """The files by their names: equal content, equal bytes."""
        found = {RECORDS_FILE: _parquet(self.records.sort(KEY))}
        for name, frame in self.below.items():
            if len(frame):
                more = sorted(column for column in frame.columns if column not in _BELOW)
                found[name] = _parquet(frame.select(*_BELOW, *more).sort(*_BELOW))
        return found


def _read(file: Path, columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    try:
        found = pl.read_parquet(file)
    except FileNotFoundError:
        return pl.DataFrame(schema=columns)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise StudyError(f"{file}: cannot be read: {str(error).splitlines()[0]}") from None
    if missing := [name for name in columns if name not in found.columns]:
        raise StudyError(f"{file}: column {missing[0]!r} is missing; this is not what 'study publish' writes")
    return found


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=_LEVEL)
    return buffer.getvalue()
