"""The one form of a table of runs over sizes: its columns, and what is wrong with a table that is not of it."""

from __future__ import annotations

from typing import Any

import polars as pl

from studylib.errors import did_you_mean, invalid

# A row is one loss of one run. What may be left out is null (a name: the default below).
COLUMNS: dict[str, tuple[Any, str]] = {
    "ladder": (pl.String, "name of the ladder; default: the file's name"),
    "metric": (pl.String, "which loss: a validation set by name; default: loss"),
    "run": (pl.String, "name of the run; default: its place in the table"),
    "variant": (pl.String, "what is compared at equal size and tokens: a corpus, a shape, a rate; default: none"),
    "params": (pl.Float64, "parameters as the ladder itself counts them"),
    "non_embedding_params": (pl.Float64, "parameters without embeddings and head, or empty"),
    "total_params": (pl.Float64, "parameters with embeddings and head, or empty"),
    "tokens": (pl.Float64, "tokens trained on"),
    "loss": (pl.Float64, "nats a token, or another loss that is above 0"),
    "flops": (pl.Float64, "FLOPs of the training, or empty"),
    "width": (pl.Int64, "hidden size, or empty"),
    "depth": (pl.Int64, "layers, or empty"),
    "seconds_per_step": (pl.Float64, "seconds a step, comparable between rows (times the nodes where they differ), or empty"),
    "rerun": (pl.Boolean, "the same run again with another seed; default: false"),
}  # fmt: skip
NEEDED = ("params", "tokens", "loss")
_POSITIVE = ("params", "non_embedding_params", "total_params", "tokens", "loss", "flops", "width", "depth",
             "seconds_per_step")  # fmt: skip
_YES, _NO = ("true", "1", "yes"), ("false", "0", "no", "")


def described() -> str:
    """The columns with what they mean, a line each, the needed ones marked."""
    return "\n".join(f"{name}{' (needed)' if name in NEEDED else ''}: {what}" for name, (_, what) in COLUMNS.items())


def canonical(frame: pl.DataFrame, *, file: Any = None, ladder: str = "") -> pl.DataFrame:
    """``frame`` in the columns above and their types; what it has beside them is left out.

    Raises
    ------
    StudyError
        A needed column is missing, a cell is no number or not above 0, or there is no row: file, column, row and value are named.
    """
    for name in NEEDED:
        if name not in frame.columns:
            known = f"has no such column{did_you_mean(name, frame.columns)}; a table of runs needs {', '.join(NEEDED)}"
            raise invalid(f"column {name!r}", frame.columns, known, file=file)
    if frame.is_empty():
        raise invalid("rows", 0, "are too few for a table of runs", file=file)
    defaults: dict[str, pl.Expr] = {
        "ladder": pl.lit(ladder), "metric": pl.lit("loss"), "variant": pl.lit(""), "rerun": pl.lit(False),
        "run": pl.format("run {}", pl.int_range(1, pl.len() + 1)),
    }  # fmt: skip
    found = []
    for name, (kind, _) in COLUMNS.items():
        default = defaults.get(name, pl.lit(None)).cast(kind)
        if name not in frame.columns:
            found.append(default.alias(name))
            continue
        given = frame[name]
        cast = _as_bool(given) if kind == pl.Boolean else given.cast(kind, strict=False)
        empty = given.is_null() | (given.cast(pl.String, strict=False).str.strip_chars() == "").fill_null(False)
        _check(name, given, cast, empty, file)
        found.append(pl.coalesce(pl.lit(cast), default).alias(name))
    return frame.select(found)


def _as_bool(given: pl.Series) -> pl.Series:
    text = given.cast(pl.String).str.to_lowercase().str.strip_chars()
    frame = pl.select(pl.when(text.is_in(_YES)).then(True).when(text.is_in(_NO) | text.is_null()).then(False))
    return frame.to_series()


def _check(name: str, given: pl.Series, cast: pl.Series, empty: pl.Series, file: Any) -> None:
    """Raise for the first cell of a column that is not what the column holds."""
    missing = empty & (name in NEEDED)
    unread = cast.is_null() & ~empty
    wrong, why = missing | unread, "is not a truth value" if name == "rerun" else "is not a number"
    if name in _POSITIVE and not wrong.any():
        number = cast.cast(pl.Float64)
        wrong, why = ~(number > 0).fill_null(True) | ~number.is_finite().fill_null(True), "is not above 0"
    place = wrong.arg_max() if wrong.any() else None
    if place is not None:
        raise invalid(f"column {name!r}, row {place + 1}", given[place], why, file=file)
