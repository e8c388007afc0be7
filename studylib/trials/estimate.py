"""How long steps will take here: from trials that finished in the study folder, else from a matrix product of this machine."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from heapq import nsmallest
from pathlib import Path
from statistics import median
from typing import Any

from studylib.choices.execution import BF16_MIN_HIDDEN_SIZE as BF16_FROM
from studylib.environment import environment_with
from studylib.errors import StudyError
from studylib.files import read_json
from studylib.machine import computed_by, describe, has_bf16_products
from studylib.model.cost import flops_per_token
from studylib.spec import ModelSpec
from studylib.spec.record import TrialResult
from studylib.trials.cache import Task, read_record

# Training speed of one thread over numpy's one-thread fp32 matrix product: by measurement a two-hundredth of the hidden size in fp32
# (16 to 64 wide). Products in bf16 bring 0.93 to 0.95 at 96 wide, about 1 at 128, and about 2.5 at 10M parameters.
_FP32, _FP32_AT_MOST = 1 / 200, 1.3
_BF16, _BF16_LATER, _BF16_AT_MOST = 1 / 100, (0.7, 1 / 400), 2.5
# What the same scale quick took for variants of its baseline, at 24 and 32 wide in fp32: Mamba-2 0.65 to 0.73, experts 0.82 to 0.86, a
# sliding window 0.75 to 0.77 of its FLOPs a second.
_OTHER_MIXERS, _EXPERTS, _SPARSE = 0.7, 0.85, 0.75
_NEIGHBOURS = 5


@dataclass(frozen=True)
class Likeness:
    """What makes models alike in speed; ``parts`` cost time beside products of matrices, or more than their FLOPs say."""

    parts: tuple[str, bool, bool, str]  # mixer, whether a hybrid, whether it has experts, attention pattern
    width: int
    per_token: float  # FLOPs

    @classmethod
    def of(cls, model: Mapping[str, Any], per_token: float) -> Likeness:
        """Of the fields of a model's specification."""
        hybrid, experts = bool(model["attention_every"]), model["moe"] is not None
        return cls((model["mixer"], hybrid, experts, model["attention_pattern"]), model["hidden_size"], per_token)

    def distance(self, other: Likeness) -> tuple[bool, float]:
        widths, costs = math.log(self.width / other.width), math.log(self.per_token / other.per_token)
        return self.parts != other.parts, abs(widths) + abs(costs)


@dataclass(frozen=True)
class MeasuredSpeed:
    """Of a finished trial: its model, its FLOPs a second, validations included, over `relative_speed`, and what computed it."""

    model: Likeness
    over_expected: float
    by: str


class SpeedEstimate:
    """FLOPs a second of any model, by those of the most similar trials in ``out`` that a processor or GPU like this machine's trained;
    without any, by a matrix product.

    Models are similar that are made of the same parts, and then those of about the same width and cost of a token. What width and parts do
    to speed is about known beforehand, so trials of one size say something of another.
    """

    def __init__(self, out: Path):
        self._out = out
        self._known: dict[ModelSpec, float] = {}  # trials by the hundred share a model

    @cached_property
    def measured(self) -> list[MeasuredSpeed]:
        return measured_speeds(self._out)

    @cached_property
    def _product(self) -> float:
        return numpy_speed()

    @property
    def basis(self) -> str:
        """``measured`` or ``calibrated``."""
        return "measured" if self.measured else "calibrated"

    def __str__(self) -> str:
        """Where estimates come from, and how far to trust them."""
        if self.measured:
            return f"{len(self.measured)} trials that a machine like this one finished in this folder"
        return f"a matrix product on this machine, {self._product / 1e9:.0f} GFLOP/s a core: right to a factor of two"

    def flops_per_second(self, model: ModelSpec) -> float:
        if model not in self._known:
            own = Likeness.of(dict(model), flops_per_token(model))
            over = self._over_expected(own) if self.measured else self._product
            self._known[model] = relative_speed(own) * over
        return self._known[model]

    def seconds(self, task: Task) -> float:
        """Of a step, by itself."""
        return task.kind.seconds(task.step) + sum(
            flops / self.flops_per_second(model) for model, flops in task.kind.work(task.step)
        )

    def _over_expected(self, own: Likeness) -> float:
        nearest = nsmallest(_NEIGHBOURS, self.measured, key=lambda one: own.distance(one.model))
        alike = [one for one in nearest if one.model.parts == own.parts]
        return median(one.over_expected for one in alike or nearest)


def wall_clock(steps: Iterable[tuple[float, bool]], workers: int) -> float:
    """Seconds that steps take side by side, each given as its own seconds and whether nothing may run beside it."""
    steps = list(steps)
    beside = [seconds for seconds, alone in steps if not alone]
    alone = sum(seconds for seconds, alone in steps if alone)
    return alone + (max(sum(beside) / workers, max(beside)) if beside else 0.0)


def relative_speed(model: Likeness) -> float:
    """Training speed that is expected, over that of numpy's fp32 matrix product, one thread each."""
    (mixer, _, experts, pattern), width, (start, slope) = model.parts, model.width, _BF16_LATER
    if width < BF16_FROM or not has_bf16_products():
        speed = min(width * _FP32, _FP32_AT_MOST)
    else:
        speed = min(width * _BF16, start + width * slope, _BF16_AT_MOST)
    speed *= _OTHER_MIXERS if mixer != "attention" else 1.0
    speed *= _EXPERTS if experts else 1.0
    return speed * (_SPARSE if pattern != "dense" else 1.0)


def measured_speeds(out: Path) -> list[MeasuredSpeed]:
    """Of the trials in the folder, whatever study they were for, that were trained on what ``device: auto`` means here: restored
    records, and folders that machines share, tell the speed of others too."""
    here = computed_by(describe(), "cuda")
    found = (_measured(path, path.stat().st_mtime_ns) for path in out.glob("trials/*/result.json"))
    return [one for one in found if one is not None and one.by == here]


@lru_cache(maxsize=10_000)  # read once a plan, not once an idea
def _measured(path: Path, changed: int) -> MeasuredSpeed | None:
    """None where the files are damaged or have no numbers: no basis for an estimate."""
    try:
        result = read_record(TrialResult, path)
        if result.policy is not None:  # its seconds are mostly those of sampling
            return None
        # As it stands: of hundreds of trials, to check every specification anew takes longer than all else.
        model = Likeness.of(read_json(path.with_name("spec.json"))["model"], result.flops / result.tokens)
        speed = result.flops / result.seconds
        return MeasuredSpeed(model, speed / relative_speed(model), result.computed_by) if speed else None
    except (OSError, ValueError, StudyError, ZeroDivisionError, KeyError, TypeError):
        return None


@cache  # once a plan, not once an idea
def numpy_speed(size: int = 512, seconds: float = 0.1) -> float:
    """FLOPs a second of numpy's fp32 matrix product on one core."""
    # One thread, if numpy is not loaded yet: two that wait for each other on a busy machine measure the waiting.
    with environment_with(**dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")):
        import numpy as np
    generator = np.random.default_rng(0)
    left, right = (generator.standard_normal((size, size), dtype=np.float32) for _ in range(2))
    left @ right
    # Of processor time, since a busy machine takes the processor away in the middle of a product.
    fastest, end = math.inf, time.thread_time() + seconds
    while time.thread_time() < end:
        began = time.thread_time()
        left @ right
        fastest = min(fastest, time.thread_time() - began)
    return 2.0 * size**3 / fastest
