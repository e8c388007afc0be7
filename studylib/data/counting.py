"""All of a corpus as (piece, count): cut where SentencePiece could never merge, counted out of core.

SentencePiece never makes a piece across a change of script, into or out of a digit, across a space, a tab or the end of
a line. Cut there, a text trains the same vocabulary as whole, and equal pieces need to be kept only once: memory
grows with the different pieces, not with the corpus. Scripts are those of SentencePiece's rule (Han, hiragana and
katakana are one; combining marks join their neighbours). Characters newer than SentencePiece's own tables may be cut
from a neighbour that it would have joined them to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import polars as pl

_JAPANESE = r"\p{Han}\p{Hiragana}\p{Katakana}ー"
_MARK = r"\p{Inherited}"
_DIGIT = "0-9０-９"
# What has no script of its own, unassigned characters among it.
_COMMON = r"[\p{Common}\p{Cn}\p{Co}--[\t\n ー" + _DIGIT + "]]"
_OTHER = r"[^\p{Common}\p{Cn}\p{Co}\p{Inherited}\p{Latin}" + _JAPANESE + "]"
_RUN = rf"(?:[{_DIGIT}]|[{_JAPANESE}]+|\p{{Latin}}+|{_COMMON}+|{_OTHER}+)"
# Spaces lead the word behind them.
PIECE = rf" +(?:{_RUN}(?:{_MARK}+{_RUN}?)*)?|{_RUN}(?:{_MARK}+{_RUN}?)*|{_MARK}+{_RUN}?(?:{_MARK}+{_RUN}?)*"

LONGEST = 2000  # characters; a longer run (rules of dashes, text without any punctuation) is cut
_BATCH_BYTES = 1 << 20
_MOST_ROWS = 100_000  # different pieces in memory before they go to disk
_PARTS = 64
_SCHEMA = {"piece": pl.String, "count": pl.Int64}


def split_pieces(texts: pl.Series) -> pl.Series:
    """The pieces of all ``texts`` in order, as one column; joined they give the texts without tabs and newlines."""
    pieces = texts.str.extract_all(PIECE).explode(empty_as_null=False)
    if (pieces.str.len_chars() > LONGEST).any():
        short = f"(?s).{{1,{LONGEST}}}"
        pieces = pieces.str.extract_all(short).explode(empty_as_null=False)
    return pieces


class PieceCounts:
    """Counted pieces in a parquet file, in an order fixed by the pieces themselves.

    Parameters
    ----------
    file
        Columns ``piece`` (string) and ``count`` (int64), each piece once.
    tabs
        Tabs in the text; they are in no piece.
    """

    def __init__(self, file: Path, tabs: int = 0):
        self.file, self.tabs = Path(file), tabs
        facts = pl.scan_parquet(self.file).select(
            pieces=pl.len(), characters=pl.col("piece").str.len_chars().sum(), total=pl.col("count").sum()
        )
        self.num_pieces, self.num_characters, self.total = facts.collect(engine="streaming").row(0)

    def frames(self, rows: int = 5_000) -> Iterator[pl.DataFrame]:
        """The table, ``rows`` at a time."""
        for frame in pl.scan_parquet(self.file).collect_batches(chunk_size=rows, maintain_order=True):
            yield from frame.iter_slices(rows)

    def rows(self) -> Iterator[tuple[str, int]]:
        for frame in self.frames():
            yield from frame.iter_rows()

    def characters(self) -> list[tuple[str, int]]:
        """Every character with its count in the text, the commonest first."""
        totals: dict[str, int] = {}
        for frame in self.frames():
            counted = frame.select(pl.col("piece").str.split(""), "count").explode("piece")
            for character, count in counted.group_by("piece").agg(pl.col("count").sum()).iter_rows():
                totals[character] = totals.get(character, 0) + count
        return sorted(totals.items(), key=lambda one: (-one[1], one[0]))

    def thinned(self, most: int) -> PieceCounts:
        """At most about ``most`` pieces that stand for all: the common as they are, of the rare some that weigh more.

        Threshold sampling: a piece counted ``c`` times is kept with probability ``min(1, c / t)`` and then counts
        ``max(c, t)``, so every substring keeps its expected count. ``t`` is the least whole number that leaves ``most``; with
        so few pieces that all fit it is 1 and nothing changes. The draw depends on the piece alone.
        """
        if self.num_pieces <= most:
            return self
        sizes = pl.scan_parquet(self.file).group_by("count").agg(pieces=pl.len()).collect(engine="streaming")
        count, pieces = sizes["count"].to_numpy(), sizes["pieces"].to_numpy()
        low, high = 1, int(count.max()) * self.num_pieces
        while low < high:
            middle = (low + high) // 2
            fits = (pieces * np.minimum(1.0, count / middle)).sum() <= most
            low, high = (low, middle) if fits else (middle + 1, high)
        file = self.file.with_name(f"{self.file.stem}-{most}.parquet")
        draw = pl.col("piece").hash(seed=1).cast(pl.Float64) / 2.0**64
        kept = pl.scan_parquet(self.file).filter(draw * low < pl.col("count"))
        kept.with_columns(count=pl.col("count").clip(lower_bound=low)).sink_parquet(file, maintain_order=True)
        return PieceCounts(file, self.tabs)


def count_pieces(texts: Iterable[str], folder: Path) -> PieceCounts:
    """Stream ``texts`` once and write ``folder/counts.parquet``.

    Parameters
    ----------
    texts
        Documents, normalised (scripts must be told after it); read once, never held together.
    folder
        Made if need be; also takes the runs that do not fit in memory, and loses them at the end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counting = _Counting(folder)
    for batch in _batches(texts):
        counting.add(batch)
    return counting.finish()


def _batches(texts: Iterable[str]) -> Iterator[pl.Series]:
    batch: list[str] = []
    size = 0
    for text in texts:
        # A book in one piece would be a batch of any size; lines are the same text to the counts.
        for start in range(0, len(text), _BATCH_BYTES) if len(text) > _BATCH_BYTES else (0,):
            part = text[start : start + _BATCH_BYTES]
            batch.append(part)
            size += len(part) * (1 if part.isascii() else 3)
            if size >= _BATCH_BYTES:
                yield pl.Series(batch, dtype=pl.String)
                batch, size = [], 0
    if batch:
        yield pl.Series(batch, dtype=pl.String)


class _Counting:
    """Counts in memory up to a number of rows; beyond, in runs on disk cut by the pieces' hash."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.waiting: list[pl.DataFrame] = []
        self.rows = self.runs = self.tabs = 0

    def add(self, texts: pl.Series) -> None:
        self.tabs += int(texts.str.count_matches("\t").sum())
        pieces = split_pieces(texts).alias("piece").to_frame()
        counted = pieces.group_by("piece").agg(pl.len().cast(pl.Int64).alias("count"))
        self.waiting.append(counted)
        self.rows += len(counted)
        if self.rows > _MOST_ROWS:
            merged = self._merged()
            # Pieces that keep coming back stay in memory until there are too many different ones.
            if len(merged) > _MOST_ROWS // 2:
                self._write_run(merged)
                merged = pl.DataFrame(schema=_SCHEMA)
            self.waiting, self.rows = [merged], len(merged)

    def _merged(self) -> pl.DataFrame:
        whole = pl.concat([pl.DataFrame(schema=_SCHEMA), *self.waiting])
        return whole.group_by("piece").agg(pl.col("count").sum())

    def _run(self, part: int, run: int) -> Path:
        return self.folder / f"part{part:02d}-run{run:05d}.parquet"

    def _write_run(self, merged: pl.DataFrame) -> None:
        parts = merged.with_columns((pl.col("piece").hash(seed=0) % _PARTS).alias("part"))
        for (part,), rows in parts.partition_by("part", as_dict=True, include_key=False).items():
            rows.write_parquet(self._run(int(part), self.runs))
        self.runs += 1

    def finish(self) -> PieceCounts:
        file = self.folder / "counts.parquet"
        merged = self._merged()
        if not self.runs:
            merged.sort("piece").write_parquet(file)
            return PieceCounts(file, self.tabs)
        self._write_run(merged)
        self.waiting = []
        del merged
        parts = []
        for part in range(_PARTS):
            runs = sorted(self.folder.glob(f"part{part:02d}-run*.parquet"))
            if not runs:
                continue
            whole = pl.scan_parquet(runs).group_by("piece").agg(pl.col("count").sum()).sort("piece")
            parts.append(self.folder / f"part{part:02d}.parquet")
            whole.collect(engine="streaming").write_parquet(parts[-1])
            for run in runs:
                run.unlink()
        pl.scan_parquet(parts).sink_parquet(file, maintain_order=True)
        for part in parts:
            part.unlink()
        return PieceCounts(file, self.tabs)
