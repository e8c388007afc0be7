"""What is done, what is to do, and what it will cost: from files and formulas, nothing is trained."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from studylib.errors import StudyError
from studylib.model.cost import flops_per_token, own_flops, parameter_count, training_flops
from studylib.spec import Step, TrialSpec
from studylib.spec.record import TrialResult
from studylib.trials.cache import State, Task, read_record, tasks_under
from studylib.trials.progress import duration
from studylib.trials.queue import Round
from studylib.trials.run import still_to_do

# Training speed over numpy's one-thread fp32 matrix product, by hidden size: 0.32 at 64, 0.64 at 128, 1.24 at 256 were
# measured (two one-thread trials side by side); bf16 carries larger models beyond 1, to about 2.5 at 10M parameters.
_SPEED_PER_HIDDEN, _SPEED_AT_MOST = 1 / 200, 2.5
_NEIGHBOURS = 5


@dataclass(frozen=True)
class PlannedStep:
    """A step, its state and its cost; ``seconds`` is an estimate, or the time taken if a trial is done."""

    task: Task
    state: State
    flops: float
    seconds: float

    @property
    def is_trial(self) -> bool:
        return isinstance(self.task.step, TrialSpec)

    def row(self) -> dict[str, Any]:
        """JSON-able. Of a trial also its tags, and of one that branches off another its own tokens and FLOPs."""
        step = self.task.step
        cost = {"flops": self.flops, "seconds": round(self.seconds, 1)}
        if not isinstance(step, TrialSpec):
            return {"step": self.task.name, "label": step.label, "state": self.state} | cost
        return {
            "trial": self.task.hash, **step.tags, "seed": step.seed, "state": self.state,
            "params": parameter_count(step.model).total, "train_tokens": step.own_tokens, **cost,
        }  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """Planned steps; ``basis`` says where the estimates come from (``measured`` or ``calibrated``).

    ``rounds``: what will be added once outcomes are known, as far as it is not known yet.
    """

    steps: tuple[PlannedStep, ...]
    basis: str
    workers: int
    rounds: tuple[Round, ...] = ()

    COLUMNS = ("trial", "seed", "state", "params", "train_tokens", "flops", "seconds")  # of a trial's row, beside tags

    @property
    def trials(self) -> list[PlannedStep]:
        return [one for one in self.steps if one.is_trial]

    def frame(self) -> Any:
        """The trials as a polars frame, a row each."""
        import polars as pl

        return pl.DataFrame([one.row() for one in self.trials], infer_schema_length=None)

    def groups(self) -> Any:
        """The trials as a polars frame, a row for those that differ in nothing but their seed, as a notebook shows them."""
        import polars as pl

        frame = self.frame()
        names = [name for name in frame.columns if name not in self.COLUMNS]
        return frame.group_by(names, maintain_order=True).agg(
            pl.len().alias("trials"),
            (pl.col("state") == "done").sum().alias("done"),
            pl.col("params").max(),
            pl.col("train_tokens").max().alias("tokens each"),
            pl.col("flops").sum(),
            pl.col("seconds").sum(),
        )

    def __str__(self) -> str:
        """``12 trials: 3 done, 9 to do; 12 more after round 1; 1.2e+13 FLOPs, about 2m05s with 2 at a time``."""
        states = [one.state for one in self.trials]
        counted = ", ".join(
            f"{states.count(state)} {state}" for state in ("done", "failed", "running", "to do") if state in states
        )
        line = f"{len(self.trials)} trials" + (f": {counted}" if counted else "")
        others = [one for one in self.steps if not one.is_trial]
        if others:
            left = sum(one.state != "done" for one in others)
            line += f"; {len(others)} other steps: {len(others) - left} done, {left} to do"
        for name, expected in self.later.items():
            line += f"; {expected} more by {name}"
        if self.to_do:
            source = (
                "speed measured here" if self.basis == "measured" else "a rough guess: nothing was measured here yet"
            )
            line += f"; {self.flops:.1e} FLOPs, about {duration(self.seconds)} with {self.workers} at a time ({source})"
        return line

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from studylib.notebook import table

        return f"<p>{self}</p>{table(self.groups())}" if self.trials else f"<p>{self}</p>"

    @property
    def later(self) -> dict[str, int]:
        """Steps that rounds will add, by the name of the round."""
        counts: dict[str, int] = {}
        for one in self.rounds:
            counts[one.name] = counts.get(one.name, 0) + one.expected
        return counts

    @property
    def to_do(self) -> list[PlannedStep]:
        return [one for one in self.steps if one.state in ("to do", "running")]

    @property
    def seconds(self) -> float:
        """Estimated wall-clock seconds of what is to do, side by side but for what must be alone."""
        beside = [one.seconds for one in self.to_do if not one.task.exclusive]
        alone = sum(one.seconds for one in self.to_do if one.task.exclusive)
        return alone + (max(sum(beside) / self.workers, max(beside)) if beside else 0.0)

    @property
    def flops(self) -> float:
        return sum(one.flops for one in self.to_do)


def plan_steps(
    steps: Iterable[Step], out: Path | str, *, rounds: Sequence[Round] = (), workers: int | None = None,
    retry_failed: bool = False,
) -> Plan:  # fmt: skip
    """The state and cost of each different step, and of those in rounds whose outcomes are known.

    Seconds follow the FLOPs a second of the most similar trials finished in ``out``; when there are none, those of a
    short numpy matrix product, which is right to a factor of about three.
    """
    from studylib.environment import cores, gpus

    asked, tasks, open_rounds = known_tasks(steps, Path(out), rounds)
    measured = measured_speeds(Path(out), tasks)
    basis = "measured" if measured else "calibrated"
    matrix_speed = 0.0 if measured else numpy_speed()
    to_do, _ = still_to_do(tasks, asked, retry_failed=retry_failed)
    wanted = {task.name for task in to_do}
    rows = []
    for task in tasks:
        state = task.state
        if state == "to do" and task.name not in wanted:  # nothing that is left reads it
            continue
        restored = state == "done" and task.name in wanted and task.result_here() is None  # read by what is to do
        if restored or (state == "failed" and retry_failed):
            state = "to do"
        spec, taken = task.step, task.result() if state == "done" else None
        if isinstance(spec, TrialSpec) and taken is not None:  # a branch's result counts its trunk's seconds too
            seconds = taken.seconds * own_flops(spec) / training_flops(spec)
        else:
            seconds = task.kind.seconds(spec)
            for model, flops in task.kind.work(spec):
                guess = min(model.hidden_size * _SPEED_PER_HIDDEN, _SPEED_AT_MOST) * matrix_speed
                seconds += flops / (_nearest(measured, flops_per_token(model)) if measured else guess)
        rows.append(PlannedStep(task, state, task.flops, float(seconds)))
    side_by_side = max(1, min(workers or len(gpus()) or cores(), len(rows)))
    return Plan(tuple(rows), basis, side_by_side, tuple(open_rounds))


def known_tasks(
    steps: Iterable[Step], out: Path, rounds: Sequence[Round] = ()
) -> tuple[set[str], list[Task], list[Round]]:
    """Names of the steps and of those of the rounds whose outcomes are known; their tasks with those of what they read; and the
    rounds that are still open."""
    steps = list(steps)
    asked, tasks = {step.name for step in steps}, {task.name: task for task in tasks_under(out, steps)}
    waiting, open_rounds = list(rounds), []
    while waiting:
        one = waiting.pop(0)
        if all(tasks[name].state in ("done", "failed") for name in one.after):
            try:
                more, then = one.then()
            except StudyError:  # too much has failed: the run says so, and goes on without the round
                continue
            asked |= {step.name for step in more}
            tasks |= {task.name: task for task in tasks_under(out, more) if task.name not in tasks}
            waiting += then
        else:
            open_rounds.append(one)
    return asked, list(tasks.values()), open_rounds


def measured_speeds(out: Path, tasks: Sequence[Task]) -> list[tuple[float, float]]:
    """``(FLOPs per token, FLOPs per second)`` of the trials finished in the folder, whatever study they were for."""
    known = {task.hash: task.step for task in tasks if isinstance(task.step, TrialSpec)}
    found = []
    for path in out.glob("trials/*/result.json"):
        try:
            result = read_record(TrialResult, path)
            if result.policy is not None:  # its seconds are mostly those of sampling
                continue
            spec = known.get(result.hash)
            per_token = result.flops / result.tokens if spec is None else flops_per_token(spec.model)
            found.append((per_token, result.flops / result.seconds))
        except (ValueError, StudyError, ZeroDivisionError):  # damaged or without numbers: no basis for a guess
            continue
    return found


def _nearest(measured: Sequence[tuple[float, float]], per_token: float) -> float:
    closest = sorted(measured, key=lambda pair: abs(math.log(pair[0] / per_token)))[:_NEIGHBOURS]
    return median(speed for _, speed in closest)


@cache  # once a plan, not once an idea
def numpy_speed(size: int = 512, seconds: float = 0.1) -> float:
    """FLOPs a second of numpy's fp32 matrix product on one core."""
    # One thread, if numpy is not loaded yet: two that wait for each other on a busy machine measure the waiting.
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        import numpy as np
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    generator = np.random.default_rng(0)
    left, right = (generator.standard_normal((size, size), dtype=np.float32) for _ in range(2))
    left @ right
    fastest, end = math.inf, time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        left @ right
        fastest = min(fastest, time.perf_counter() - began)
    return 2.0 * size**3 / fastest
