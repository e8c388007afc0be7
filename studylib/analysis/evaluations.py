"""What benchmarks found, as long frames."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from studylib.spec import EvaluationSpec, TrialSpec
from studylib.steps.evaluations import ROWS_FILE
from studylib.trials.cache import Task
from studylib.trials.frame import tag_columns

_NAMES = dict.fromkeys(("hash", "evaluation", "benchmark"), pl.String)


def read_evaluations(out: Path, evaluations: Iterable[EvaluationSpec]) -> pl.DataFrame:
    """Scores of those that are done: a row an evaluation, group and score.

    Columns: ``hash`` (of the trial), ``evaluation`` (its own hash), ``benchmark``, ``seed`` (of the trial), ``by`` (what a group has in
    common; ``all``: all items), ``group`` (its value; empty for all), ``score``, ``value``, then the trial's tags.
    """
    specs, rows = [], []
    for spec in evaluations:
        record = Task.under(Path(out), spec).result()
        for by, values in ({"all": {"": record.scores}} | record.groups).items() if record else ():
            for group, scores in values.items():
                specs += [spec.trial] * len(scores)
                rows += [(*_names(spec), spec.trial.seed, by, group, score, value) for score, value in scores.items()]
    schema = _NAMES | {"seed": pl.Int64, "by": pl.String, "group": pl.String, "score": pl.String, "value": pl.Float64}
    return _with_tags(pl.DataFrame(rows, schema=schema, orient="row"), specs)


def read_evaluation_rows(out: Path, evaluations: Iterable[EvaluationSpec]) -> pl.DataFrame:
    """What was asked, one by one, in the evaluations that are done: a row an item and way of asking it.

    Columns: ``hash``, ``evaluation``, ``benchmark``, ``seed``, what the benchmark writes (``item``, ``wording``, ...; null where another
    benchmark does not), then the trial's tags.
    """
    specs, frames = [], []
    for spec in evaluations:
        task = Task.under(Path(out), spec)
        if task.result() is not None:
            rows = pl.read_parquet(task.folder / ROWS_FILE)
            about = dict(zip(_NAMES, _names(spec), strict=True)) | {"seed": spec.trial.seed}
            frames.append(rows.select(*(pl.lit(value).alias(name) for name, value in about.items()), pl.all()))
            specs += [spec.trial] * len(rows)
    if not frames:
        return pl.DataFrame(schema=_NAMES | {"seed": pl.Int64})
    return _with_tags(pl.concat(frames, how="diagonal_relaxed"), specs)


def _names(spec: EvaluationSpec) -> tuple[str, ...]:
    return spec.trial.hash, spec.hash, spec.benchmark


def _with_tags(frame: pl.DataFrame, specs: list[TrialSpec]) -> pl.DataFrame:
    return frame.with_columns(tag_columns(specs, frame.columns))
