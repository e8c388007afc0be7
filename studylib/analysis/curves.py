"""Learning curves: the ``metrics.jsonl`` of trials as one long polars frame."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from studylib.files import read_json_lines

_SCHEMA = {
    "hash": pl.String, "split": pl.String, "source": pl.String, "step": pl.Int64, "tokens": pl.Int64,
    "seconds": pl.Float64, "loss": pl.Float64, "bpb": pl.Float64, "learning_rate": pl.Float64,
    "grad_norm": pl.Float64, "tokens_per_s": pl.Float64,
}  # fmt: skip


def read_curves(out: Path, trials: pl.DataFrame | Iterable[str]) -> pl.DataFrame:
    """Curves of trials under ``out/trials``.

    Parameters
    ----------
    out
        Folder of the study.
    trials
        The frame of ``run_trials`` (its other columns, such as variant and size, are joined on), or hashes.

    Returns
    -------
    A row a record: ``hash``, ``split`` (train or validation), ``source`` (empty for the whole mixture, else the label
    of one data source), ``step``, ``tokens``, ``seconds``, ``loss`` (nats a token), ``bpb`` (bits a byte; validation
    only), ``learning_rate``, ``grad_norm``, ``tokens_per_s``, then the columns of ``trials``. A trial without a file
    (never started) contributes nothing; where a resumed trial repeats a step, the later record counts.
    """
    hashes = trials["hash"].to_list() if isinstance(trials, pl.DataFrame) else list(trials)
    records: list[dict[str, Any]] = []
    for name in dict.fromkeys(hashes):
        latest: dict[tuple[str, str, int], dict[str, Any]] = {}
        for record in read_json_lines(Path(out) / "trials" / name / "metrics.jsonl"):
            for row in _rows(name, record):
                latest[row["split"], row["source"], row["step"]] = row
        records += sorted(latest.values(), key=lambda row: (row["split"], row["source"], row["step"]))
    frame = pl.DataFrame(records, schema=_SCHEMA)
    if not isinstance(trials, pl.DataFrame):
        return frame
    extra = trials.select("hash", *[c for c in trials.columns if c not in frame.columns])
    return frame.join(extra.unique("hash", maintain_order=True), on="hash", how="left", maintain_order="left")


def _rows(name: str, record: dict[str, Any]) -> Iterable[dict[str, Any]]:
    common = {"hash": name} | {key: record.get(key) for key in ("step", "tokens", "seconds")}
    if "val_loss" in record:
        yield common | {"split": "validation", "source": "", "loss": record["val_loss"], "bpb": record.get("val_bpb")}
        for label, values in (record.get("val") or {}).items():
            yield common | {
                "split": "validation",
                "source": label,
                "loss": values.get("loss"),
                "bpb": values.get("bpb"),
            }
    elif "loss" in record:
        keys = ("loss", "learning_rate", "grad_norm", "tokens_per_s")
        yield common | {"split": "train", "source": ""} | {key: record.get(key) for key in keys}
