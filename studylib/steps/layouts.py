"""Counting how many tiny trials an hour each layout of workers and threads trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studylib.environment import cores
from studylib.files import write_json
from studylib.machine import describe
from studylib.spec import LayoutSpec
from studylib.steps._kind import Context, Kind
from studylib.steps._process import records_of

__all__ = ["layouts"]

_SECONDS_A_TRIAL, _SECONDS_TO_START = 1.5, 5.0


class Layouts(Kind):
    """The marker's ``layouts`` has a record for each layout and round: ``workers``, ``threads``, ``round``, ``trials_an_hour``."""

    specification = LayoutSpec

    def seconds(self, step: LayoutSpec) -> float:
        layouts = sum(cores() % workers == 0 for workers in range(1, cores() + 1))
        return _SECONDS_TO_START + layouts * step.rounds * (step.trials * _SECONDS_A_TRIAL + _SECONDS_TO_START)

    def carry_out(self, step: LayoutSpec, folder: Path, context: Context) -> dict[str, Any]:
        found = records_of("studylib.trials.layout", step, {})
        result = {"status": "done", "hash": step.hash, "label": step.label, "machine": describe(), "layouts": found}
        write_json(folder / self.marker, result)
        return result


layouts = Layouts()
