"""Trials as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from studylib.model.memory import memory_bytes
from studylib.spec import TrialSpec
from studylib.trials.cache import Task

_RESULT_COLUMNS: dict[str, Any] = {
    "params": pl.Int64,
    "non_embedding_params": pl.Int64,
    "active_params": pl.Int64,
    "val_loss": pl.Float64,
    "val_bpb": pl.Float64,
    "train_loss": pl.Float64,
    "tokens": pl.Int64,
    "flops": pl.Float64,
    "seconds": pl.Float64,
    "tokens_per_s": pl.Float64,
    "peak_memory_bytes": pl.Int64,
    "computed_by": pl.String,
}
_UNITS = ("bpb", "loss", "pair_loss", "accuracy", "undecided", "margin")  # of each source that has it
_COLUMNS = {
    "hash": pl.String, "status": pl.String, "message": pl.String, "seed": pl.Int64,
    "num_layers": pl.Int64, "hidden_size": pl.Int64, "num_heads": pl.Int64, "memory_bytes": pl.Int64,
} | _RESULT_COLUMNS  # fmt: skip


def trials_frame(specs: Iterable[TrialSpec], out: Path) -> pl.DataFrame:
    """One row a specification, in the order given; numbers of trials that did not finish are null.

    Columns: the tags; ``hash``, ``status`` (done, diverged, crashed, oom, timeout, or to do), ``message``, ``seed``,
    ``num_layers``, ``hidden_size``, ``num_heads``, ``memory_bytes`` (counted, see ``cost.memory_bytes``); ``params``, ``non_embedding_params``, ``active_params`` (without experts that a token is not sent to), ``val_loss`` (nats per token),
    ``val_bpb`` (bits per byte), ``train_loss``, ``tokens``, ``flops``, ``seconds``, ``tokens_per_s``,
    ``peak_memory_bytes``, ``computed_by`` (name of the GPU or processor); and ``val_bpb/<label>`` and ``val_loss/<label>`` for each source, of pairs of answers
    also ``val_pair_loss/<label>`` and the like (see ``studylib.spec.record.Loss``). A tag named like one of these is left out.
    """
    specs = list(specs)
    # A trial under several tags (the baseline of several sweeps, say) has a row for each.
    results: dict[str, dict[str, Any]] = {}
    rows: list[dict[str, Any]] = []
    for spec in specs:
        if spec.hash not in results:
            results[spec.hash] = _of_folder(Task.under(out, spec))
        shape = {name: getattr(spec.model, name) for name in ("num_layers", "hidden_size", "num_heads")}
        # Counted, not measured: in a worker that trains many trials the measured peak depends on what came before.
        shape["memory_bytes"] = memory_bytes(spec)
        rows.append({"hash": spec.hash, "seed": spec.seed} | shape | results[spec.hash])
    labels = sorted({name for row in rows for name in row if name.startswith(tuple(f"val_{unit}/" for unit in _UNITS))})
    columns = {column.name: column for column in tag_columns(specs, _COLUMNS)}
    for name, kind in (_COLUMNS | dict.fromkeys(labels, pl.Float64)).items():
        columns[name] = pl.Series(name, [row.get(name) for row in rows], dtype=kind, strict=False)
    return pl.DataFrame(list(columns.values()))


def tag_columns(specs: Sequence[TrialSpec], taken: Iterable[str]) -> list[pl.Series]:
    """A column a tag, a value a specification; tags named like a column that is ``taken`` are left out."""
    names = dict.fromkeys(key for spec in specs for key in spec.tags)
    return [_tag_column(name, [spec.tags.get(name) for spec in specs]) for name in names if name not in set(taken)]


def _of_folder(trial: Task) -> dict[str, Any]:
    if (result := trial.result()) is not None:
        per_label = {
            f"val_{unit}/{label}": getattr(values, unit)
            for label, values in result.val.items()
            for unit in _UNITS
            if getattr(values, unit) is not None
        }
        return {"status": "done"} | {name: getattr(result, name) for name in _RESULT_COLUMNS} | per_label
    if (failure := trial.failure()) is not None:
        return {"status": failure.status, "message": failure.message}
    return {"status": "to do"}


def _tag_column(name: str, values: list[Any]) -> pl.Series:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return pl.Series(name, values, dtype=pl.Float64, strict=False)
    if len(kinds) > 1:  # one column has one type: mixed tags become text
        return pl.Series(name, [None if value is None else str(value) for value in values], dtype=pl.String)
    return pl.Series(name, values)
