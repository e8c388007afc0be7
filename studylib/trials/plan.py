"""What is done, what is to do, and what it will cost: from files and formulas, nothing is trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studylib.environment import at_a_time
from studylib.errors import StudyError
from studylib.model.cost import own_flops, parameter_count, training_flops
from studylib.spec import Step, TrialSpec
from studylib.trials.cache import State, Task, tasks_under
from studylib.trials.estimate import SpeedEstimate, wall_clock
from studylib.trials.progress import duration
from studylib.trials.queue import Round
from studylib.trials.run import still_to_do


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
    """Planned steps; ``basis`` says where the estimates come from (``measured`` or ``calibrated``), ``source`` the same in words.

    ``rounds``: what will be added once outcomes are known, as far as it is not known yet.
    """

    steps: tuple[PlannedStep, ...]
    basis: str
    workers: int
    rounds: tuple[Round, ...] = ()
    source: str = ""

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
            later = f" and {duration(self.later_seconds)} later" if self.later else ""
            line += f"; {self.flops:.1e} FLOPs, about {duration(self.seconds)}{later} with {self.workers} at a time"
            line += f" (by {self.source})" if self.source else ""
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
        return wall_clock([(one.seconds, one.task.exclusive) for one in self.to_do], self.workers)

    @property
    def later_seconds(self) -> float:
        """Of what rounds will add, each step taken for the mean of the trials that are known."""
        each = [one.seconds for one in self.trials]
        return sum(self.later.values()) * sum(each) / len(each) / self.workers if each else 0.0

    @property
    def flops(self) -> float:
        return sum(one.flops for one in self.to_do)


def plan_steps(
    steps: Iterable[Step], out: Path | str, *, rounds: Sequence[Round] = (), workers: int | None = None,
    retry_failed: bool = False, speed: SpeedEstimate | None = None,
) -> Plan:  # fmt: skip
    """The state and cost of each different step, and of those in rounds whose outcomes are known.

    Seconds follow the FLOPs a second of ``speed``; None: of a `SpeedEstimate` of the folder, which reads every trial there.
    """
    asked, tasks, open_rounds = known_tasks(steps, Path(out), rounds)
    speed = speed or SpeedEstimate(Path(out))
    to_do, _ = still_to_do(tasks, asked, retry_failed=retry_failed)
    wanted = {task.name for task in to_do}
    rows = []
    for task in tasks:
        state = task.state
        if state == "to do" and task.name not in wanted:  # nothing that is left reads it
            continue
        again = state == "done" and task.name in wanted and not task.readable  # for what is to do and reads it
        if again or (state == "failed" and retry_failed):
            state = "to do"
        spec, taken = task.step, task.result() if state == "done" else None
        if isinstance(spec, TrialSpec) and taken is not None:  # a branch's result counts its trunk's seconds too
            seconds = taken.seconds * own_flops(spec) / training_flops(spec)
        else:
            seconds = speed.seconds(task)
        rows.append(PlannedStep(task, state, task.flops, float(seconds)))
    side_by_side = max(1, min(at_a_time(workers), len(rows)))
    return Plan(tuple(rows), speed.basis, side_by_side, tuple(open_rounds), str(speed))


def all_together(plans: Iterable[Plan]) -> Plan:
    """Plans of one study folder as one: a step that several ideas read is there once."""
    plans = list(plans)
    steps = {one.task.name: one for plan in plans for one in plan.steps}
    rounds = tuple(one for plan in plans for one in plan.rounds)
    return replace(plans[0], steps=tuple(steps.values()), rounds=rounds, workers=max(plan.workers for plan in plans))


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
