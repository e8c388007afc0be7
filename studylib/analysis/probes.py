"""What the probes found, as long frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from studylib.files import read_json_lines


def read_facts(out: Path, trials: pl.DataFrame) -> pl.DataFrame:
    """The probe ``facts``: a row a trial, step and group of questions.

    Columns: ``hash``, ``step``, ``tokens``, ``group``, ``accuracy``, ``margin`` (nats) and its standard ``error``
    over questions, ``chance``, ``questions``, then
    those of ``trials``.
    """
    schema = {
        "group": pl.String,
        "accuracy": pl.Float64,
        "margin": pl.Float64,
        "error": pl.Float64,
        "chance": pl.Float64,
        "questions": pl.Int64,
    }
    rows = [
        about | {"group": group} | values
        for about, probes in probe_records(out, trials)
        for group, values in probes.get("facts", {}).items()
    ]
    return with_trials(rows, schema, trials)


def read_positions(out: Path, trials: pl.DataFrame) -> pl.DataFrame:
    """The probe ``position``: a row a trial, step, source and bin of positions.

    Columns: ``hash``, ``step``, ``tokens``, ``source``, ``start``, ``stop`` (positions start to stop - 1), ``loss`` (nats
    per token), then those of ``trials``.
    """
    schema = {"source": pl.String, "start": pl.Int64, "stop": pl.Int64, "loss": pl.Float64}
    rows = []
    for about, probes in probe_records(out, trials):
        found = probes.get("position")
        for source, losses in (found["loss"] if found else {}).items():
            bins = zip(found["edges"][:-1], found["edges"][1:], losses, strict=True)
            rows += [
                about | {"source": source, "start": start, "stop": stop, "loss": loss} for start, stop, loss in bins
            ]
    return with_trials(rows, schema, trials)


def read_infilling(out: Path, trials: pl.DataFrame) -> pl.DataFrame:
    """The probe ``infilling``: a row a trial, step, length of span and ``given``.

    Columns: ``hash``, ``step``, ``tokens``, ``span`` (short, long), ``span_tokens``, ``spans`` (how many), ``given`` (left:
    the text before the span; both: on both sides, only where the objective can; gain: left - both), ``bits_per_byte`` of the
    span and its standard ``error`` over spans, then those of ``trials``.
    """
    schema = {
        "span": pl.String,
        "span_tokens": pl.Float64,
        "spans": pl.Int64,
        "given": pl.String,
        "bits_per_byte": pl.Float64,
        "error": pl.Float64,
    }
    rows = [
        about
        | {"span": span, "span_tokens": found["tokens"], "spans": found["spans"]}
        | {"given": given, "bits_per_byte": found[given], "error": found[f"{given}_error"]}
        for about, probes in probe_records(out, trials)
        for span, found in probes.get("infilling", {}).items()
        for given in ("left", "both", "gain")
        if given in found
    ]
    return with_trials(rows, schema, trials)


def read_contexts(out: Path, trials: pl.DataFrame) -> pl.DataFrame:
    """The probe ``longer_context`` at the end of training: a row a trial and context length.

    Columns: ``hash``, ``step``, ``tokens``, ``context`` (tokens), ``trained`` (tokens), ``loss`` (nats per token), ``change`` (to
    the loss of the same tokens at the trained context; negative: the longer context helps), ``beyond`` (loss of the positions
    after the trained length), then those of ``trials``. The trained context is there with change 0; lengths that a position
    cannot reach are not.
    """
    schema = {"context": pl.Int64, "trained": pl.Int64, "loss": pl.Float64, "change": pl.Float64, "beyond": pl.Float64}
    last: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    for about, probes in probe_records(out, trials):
        if "longer_context" in probes:
            last[about["hash"]] = about, probes["longer_context"]
    rows = []
    for about, found in last.values():
        trained = {"context": found["trained"], "trained": found["trained"], "change": 0.0}
        cuts = [values["cut"] for values in found["lengths"].values()]
        rows.append(about | trained | {"loss": cuts[-1] if cuts else None, "beyond": None})
        for length, values in found["lengths"].items():
            change = {"change": values["loss"] - values["cut"], "loss": values["loss"], "beyond": values["beyond"]}
            rows.append(about | trained | {"context": int(length)} | change)
    return with_trials(rows, schema, trials)


def probe_records(out: Path, trials: pl.DataFrame) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Where each record is of (hash, step, tokens) and what its probes said, in the order of the trials."""
    found = []
    for name in trials["hash"].unique(maintain_order=True):
        by_step = {
            record["step"]: record
            for record in read_json_lines(Path(out) / "trials" / name / "metrics.jsonl")
            if "probes" in record
        }
        for record in by_step.values():
            found.append(({"hash": name, "step": record["step"], "tokens": record["tokens"]}, record["probes"]))
    return found


def at_the_end(rows: pl.DataFrame) -> pl.DataFrame:
    """Those of each trial's last step."""
    return rows.filter(pl.col("step") == pl.col("step").max().over("hash"))


def with_trials(rows: list[dict[str, Any]], schema: dict[str, Any], trials: pl.DataFrame) -> pl.DataFrame:
    """Rows that have hash, step, tokens and ``schema``, with the other columns of their trials."""
    frame = pl.DataFrame(rows, schema={"hash": pl.String, "step": pl.Int64, "tokens": pl.Int64} | schema)
    extra = trials.select("hash", *[name for name in trials.columns if name not in frame.columns])
    return frame.join(extra, on="hash", how="left", maintain_order="left")
