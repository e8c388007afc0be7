"""Asking trained models."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from studylib.errors import StudyError
from studylib.files import digest_of_state, write_json
from studylib.model.cost import flops_per_token
from studylib.spec import EvaluationSpec, ModelSpec
from studylib.spec.record import EvaluationRecord, record_of
from studylib.steps._kind import Context, Kind

__all__ = ["evaluations"]

ROWS_FILE = "rows.parquet"
_SECONDS_EACH = 1.5  # loading the model


class Evaluations(Kind):
    """Rows are in ``rows.parquet`` in the step's folder."""

    specification = EvaluationSpec
    record = EvaluationRecord
    leaves_text = True
    rows = ROWS_FILE
    row_names = ("item", "sort", "task", "wording", "fact")

    def work(self, step: EvaluationSpec) -> Sequence[tuple[ModelSpec, float]]:
        forward = flops_per_token(step.trial.model) / 3
        return [(step.trial.model, forward * step.built().tokens(step.trial))]

    def seconds(self, step: EvaluationSpec) -> float:
        return _SECONDS_EACH

    def carry_out(self, step: EvaluationSpec, folder: Path, context: Context) -> None:
        from studylib.train.benchmark import Asked
        from studylib.train.benchmark._write import write_rows
        from studylib.train.trained import load_trained

        began = time.monotonic()
        benchmark = step.built()

        def load(field: str):
            trial = getattr(step, field)
            return None if trial is None else load_trained(trial, context.out / trial.name, context.out / "data")

        found = benchmark.measure(Asked(load("trial"), load, context.say))
        write_rows(folder / ROWS_FILE, found.rows)
        if step.replace().hash != folder.name:
            raise StudyError(f"{step.label}: its file has changed while it was read; evaluate again")
        scores = {"benchmark": step.benchmark, "items": found.items, "left_out": found.left_out}
        scores |= {"files": [digest_of_state(file) for file in benchmark.files]}
        scores |= {"scores": found.scores, "groups": found.groups}
        write_json(folder / self.marker, record_of(step, time.monotonic() - began) | scores)


evaluations = Evaluations()
