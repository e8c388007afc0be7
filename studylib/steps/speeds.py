"""Timing training steps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from studylib.environment import gpus, memory_environment, thread_environment
from studylib.files import write_json
from studylib.model.cost import flops_per_token
from studylib.spec import ModelSpec, SpeedSpec
from studylib.spec.record import SpeedRecord, record_of
from studylib.steps._kind import Context, Kind
from studylib.steps._process import records_of

__all__ = ["speeds"]

_SECONDS_TO_START, _SECONDS_TO_BUILD = 5.0, 0.5


class Speeds(Kind):
    specification = SpeedSpec
    record = SpeedRecord

    def work(self, step: SpeedSpec) -> Sequence[tuple[ModelSpec, float]]:
        steps = step.warm_up_steps + 2 * step.windows
        return [(one.model, steps * one.tokens_per_step * flops_per_token(one.model)) for one in step.trials]

    def seconds(self, step: SpeedSpec) -> float:
        return _SECONDS_TO_START + len(step.trials) * (_SECONDS_TO_BUILD + step.windows * step.window_seconds)

    def carry_out(self, step: SpeedSpec, folder: Path, context: Context) -> None:
        # On a GPU the driver's threads are the machine's business.
        environment = {} if gpus() else thread_environment(step.threads) | memory_environment()
        began = time.monotonic()
        found = records_of("studylib.train.throughput", step, environment, context.say)
        write_json(folder / self.marker, record_of(step, time.monotonic() - began) | {"speeds": found})


speeds = Speeds()
