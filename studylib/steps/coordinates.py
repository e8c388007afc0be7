"""Checking how activations grow with the width."""

from __future__ import annotations

import time
from pathlib import Path

from studylib.files import write_json
from studylib.spec import CoordinateSpec
from studylib.spec.record import CoordinateRecord, record_of
from studylib.steps._kind import Context, Kind

__all__ = ["coordinates"]

_SECONDS_A_MODEL = 0.2


class Coordinates(Kind):
    specification = CoordinateSpec
    record = CoordinateRecord

    def seconds(self, step: CoordinateSpec) -> float:
        return _SECONDS_A_MODEL * len(step.widths) * len(step.seeds)

    def carry_out(self, step: CoordinateSpec, folder: Path, context: Context) -> None:
        from studylib.train.coordinates import coordinate_check

        began = time.monotonic()
        found = coordinate_check(step.trial, step.widths, steps=step.steps, seeds=step.seeds)
        write_json(folder / self.marker, record_of(step, time.monotonic() - began) | {"coordinates": found})


coordinates = Coordinates()
