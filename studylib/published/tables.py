"""The two files: ``records.parquet``, a row a step, and ``curves.parquet``, a row a point of a learning curve."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from studylib.errors import StudyError
from studylib.published.rows import Row

RECORDS_FILE, CURVES_FILE = "records.parquet", "curves.parquet"
_KEY = ("kind", "hash")
_RECORDS = dict.fromkeys((*_KEY, "label", "status", "specification", "record"), pl.String)
_CURVES = dict.fromkeys(_KEY, pl.String) | {"place": pl.Int64}
_LEVEL = 19  # of zstd: written once, kept for good


@dataclass(frozen=True)
class Tables:
    """Records and curves, sorted, each step once.

    Attributes
    ----------
    records
        Columns ``kind, hash, label, status, specification, record``; the last two are JSON.
    curves
        Columns ``kind, hash, place`` (in the curve), a column a number by its name, and ``more`` (JSON).
    """

    records: pl.DataFrame
    curves: pl.DataFrame

    @classmethod
    def of(cls, records: Sequence[Row], curves: Sequence[Row]) -> Tables:
        """From rows as `rows_of` has them."""
        curve = pl.DataFrame(curves, schema_overrides=_CURVES, infer_schema_length=None) if curves else _no_curves()
        return cls(pl.DataFrame(records, schema=_RECORDS), curve)

    @classmethod
    def read(cls, folder: Path) -> Tables:
        """What a folder has published; empty where there is nothing yet.

        Raises
        ------
        StudyError
            A file cannot be read, or lacks a column.
        """
        records = _read(folder / RECORDS_FILE, _RECORDS)
        curves = _read(folder / CURVES_FILE, _CURVES)
        return cls(
            pl.DataFrame(schema=_RECORDS) if records is None else records.select(*_RECORDS),
            _no_curves() if curves is None else curves,
        )

    def with_newer(self, newer: Tables) -> Tables:
        """Both; of a step that both have the newer row and curve, but what is done is not given up for a failure."""
        kept = self.records.filter(pl.col("status") == "done").select(_KEY)
        failed = newer.records.filter(pl.col("status") != "done").join(kept, on=_KEY, how="semi").select(_KEY)
        records, curves = (one.join(failed, on=_KEY, how="anti") for one in (newer.records, newer.curves))
        replaced = records.select(_KEY)
        return Tables(
            pl.concat([self.records.join(replaced, on=_KEY, how="anti"), records]),
            pl.concat([self.curves.join(replaced, on=_KEY, how="anti"), curves], how="diagonal_relaxed"),
        )

    def files(self) -> dict[str, bytes]:
        """The files by their names: equal content, equal bytes."""
        numbers = sorted(name for name in self.curves.columns if name not in {*_CURVES, "more"})
        curves = self.curves.select(*_CURVES, *numbers, "more").sort(*_CURVES)
        return {RECORDS_FILE: _parquet(self.records.sort(_KEY)), CURVES_FILE: _parquet(curves)}


def _no_curves() -> pl.DataFrame:
    return pl.DataFrame(schema=_CURVES | {"more": pl.String})


def _read(file: Path, columns: Iterable[str]) -> pl.DataFrame | None:
    try:
        found = pl.read_parquet(file)
    except FileNotFoundError:
        return None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise StudyError(f"{file}: cannot be read: {str(error).splitlines()[0]}") from None
    if missing := [name for name in columns if name not in found.columns]:
        raise StudyError(f"{file}: column {missing[0]!r} is missing; this is not what 'study publish' writes")
    return found


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=_LEVEL)
    return buffer.getvalue()
