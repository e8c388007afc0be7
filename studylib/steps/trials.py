"""Training a model."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from studylib.files import read_json, write_json
from studylib.model.cost import own_flops, sampling_flops
from studylib.model.memory import memory_bytes
from studylib.registry import OBJECTIVES
from studylib.spec import ModelSpec, TrialSpec
from studylib.spec.record import TrialResult, record_of
from studylib.steps._kind import Context, Kind
from studylib.train.kept import missing_checkpoints

__all__ = ["trials"]

_SECONDS_EACH = 1.5  # building the model, validating, writing
_SECONDS_A_LAYER = 7e-4  # of a token that is sampled, whatever is computed; 0.5 to 1 ms were measured on one core


class Trials(Kind):
    specification = TrialSpec
    record = TrialResult
    curves = "metrics.jsonl"

    def work(self, step: TrialSpec) -> Sequence[tuple[ModelSpec, float]]:
        return [(step.model, own_flops(step) + sampling_flops(step))]

    def seconds(self, step: TrialSpec) -> float:
        objective = OBJECTIVES[step.objective.name](step.objective)
        if objective.rows != "sampled":
            return _SECONDS_EACH
        tokens = step.train_steps * objective.options.max_tokens
        return _SECONDS_EACH + tokens * step.model.num_layers * _SECONDS_A_LAYER

    def memory_bytes(self, step: TrialSpec) -> int:
        return memory_bytes(step)

    def holds(self, step: TrialSpec, folder: Path) -> bool:
        return not missing_checkpoints(step, folder)

    def carry_out(self, step: TrialSpec, folder: Path, context: Context) -> None:
        began, marker = time.monotonic(), folder / self.marker
        main = int(os.environ.get("RANK", 0)) == 0
        before = _made_anew(marker) if main and marker.exists() else None
        result = load_train(context.train)(
            step, folder, data_folder=context.out / "data", on_metrics=context.on_metrics
        )
        written = marker.exists() and marker.read_bytes() != before  # by the trainer itself
        if main and not written:
            write_json(marker, record_of(step, time.monotonic() - began) | result)


def _made_anew(marker: Path) -> bytes:
    """What a marker says from now on of a trial that is done, but without the weights that are read now.

    Should the training be interrupted, the trial stays done, and what would be read of it is still missing.
    """
    write_json(marker, read_json(marker) | {"restored": True})
    return marker.read_bytes()


def load_train(name: str) -> Callable[..., dict[str, Any]]:
    """The function ``module:function``; called as ``train(spec, folder, data_folder=..., on_metrics=...)``."""
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)


trials = Trials()
