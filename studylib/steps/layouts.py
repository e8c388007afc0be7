"""Counting how many tiny trials an hour each layout of workers and threads trains."""

from __future__ import annotations

import time
from pathlib import Path

from studylib.environment import cores
from studylib.files import write_json
from studylib.spec import LayoutSpec
from studylib.spec.record import LayoutRecord, record_of
from studylib.steps._kind import Context, Kind
from studylib.steps._process import records_of

__all__ = ["layouts"]

_SECONDS_A_TRIAL, _SECONDS_TO_START = 1.5, 5.0


class Layouts(Kind):
    specification = LayoutSpec
    record = LayoutRecord

    def seconds(self, step: LayoutSpec) -> float:
        layouts = sum(cores() % workers == 0 for workers in range(1, cores() + 1))
        return _SECONDS_TO_START + layouts * step.rounds * (step.trials * _SECONDS_A_TRIAL + _SECONDS_TO_START)

    def carry_out(self, step: LayoutSpec, folder: Path, context: Context) -> None:
        began = time.monotonic()
        found = records_of("studylib.trials.layout", step, {}, context.say)
        write_json(folder / self.marker, record_of(step, time.monotonic() - began) | {"layouts": found})


layouts = Layouts()
