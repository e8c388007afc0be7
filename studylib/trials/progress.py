"""What is going on, as events; who listens decides how it looks (``display.py``).

An event is a JSON object: ``event`` (preparing, begin, started, metrics, finished, end), ``time`` (Unix seconds),
``counts`` (total, done, failed, running), ``eta_s`` (seconds left), and for one step ``step`` (name),
``label``, and ``record`` (metrics) or ``status``, ``message``, ``seconds`` (finished); ``message`` also with preparing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from studylib.trials.cache import Task
from studylib.trials.estimate import wall_clock
from studylib.trials.outcome import Outcome

Event = dict[str, Any]
Listener = Callable[[Event], None]


_SHOWN = ("step", "tokens", "loss", "val_loss", "val_bpb", "tokens_per_s")


def shown_metrics(record: dict[str, Any]) -> dict[str, float]:
    """The few finite numbers of a metrics record that a display needs; the whole record is in ``metrics.jsonl``."""
    return {key: record[key] for key in _SHOWN if key in record and math.isfinite(record[key])}


class Tracker:
    """Counts steps and tells the listeners.

    The time left is what a plan expects of the steps left, times what those so far took over what was expected of them; trials
    under way count by how far they are. At the start, little says how wrong the plan is: it counts as if a tenth of all had gone
    as planned.

    Parameters
    ----------
    expected
        Seconds that a step is expected to take.
    workers
        Steps side by side.
    """

    def __init__(
        self, tasks: Sequence[Task], listeners: Sequence[Listener], expected: Callable[[Task], float], workers: int
    ):
        self._tasks = {task.name: task for task in tasks}
        self._listeners = list(listeners)
        self._expected, self._workers = expected, workers
        self._seconds: dict[str, float] = {}  # what was expected, by name
        self._finished: dict[str, Outcome] = {}
        self._running: dict[str, float] = {}  # name: how much of it is done
        self._began = time.monotonic()

    def begin(self, ended: dict[str, Outcome]) -> None:
        """The run starts; ``ended`` are outcomes already on record."""
        self._finished |= ended
        self._began = time.monotonic()
        self._tell("begin")

    def added(self, tasks: Sequence[Task], ended: dict[str, Outcome]) -> None:
        """A round has brought more."""
        self._tasks |= {task.name: task for task in tasks}
        self._finished |= ended

    def preparing(self, message: str) -> None:
        """A step says what it is about to do."""
        self._tell("preparing", message=message)

    def started(self, task: Task) -> None:
        self._running[task.name] = 0.0
        self._tell("started", task)

    def metrics(self, task: Task, record: dict[str, Any]) -> None:
        """Of a trial: a record of its metrics."""
        first, last = task.step.branch_step, task.step.train_steps
        self._running[task.name] = min(max(record.get("step", 0) - first, 0) / (last - first), 1.0)
        self._tell("metrics", task, record=shown_metrics(record))

    def finished(self, task: Task, outcome: Outcome, seconds: float) -> None:
        self._running.pop(task.name, None)
        self._finished[task.name] = outcome
        self._tell("finished", task, status=outcome.status, message=outcome.message, seconds=round(seconds, 2))

    def end(self) -> None:
        self._tell("end")

    @property
    def counts(self) -> dict[str, int]:
        failed = sum(outcome.failed for outcome in self._finished.values())
        return {
            "total": len(self._tasks.keys() | self._finished.keys()),
            "done": len(self._finished) - failed,
            "failed": failed,
            "running": len(self._running),
        }

    @property
    def eta(self) -> float:
        """Seconds until all steps are finished."""
        left = self._wall_clock(
            {name: 1.0 - self._running.get(name, 0.0) for name in self._tasks if name not in self._finished}
        )
        whole = self._wall_clock(
            {name: 1.0 for name in self._tasks if name not in self._finished or not self._finished[name].failed}
        )
        if not whole:
            return 0.0
        as_planned = whole / 10
        return left * (time.monotonic() - self._began + as_planned) / (whole - left + as_planned)

    def _wall_clock(self, shares: dict[str, float]) -> float:
        """Seconds expected of these shares of steps, by name."""
        for name in shares.keys() - self._seconds.keys():
            self._seconds[name] = self._expected(self._tasks[name])
        steps = [(self._seconds[name] * share, self._tasks[name].exclusive) for name, share in shares.items()]
        return wall_clock(steps, self._workers)

    def _tell(self, kind: str, task: Task | None = None, **more: Any) -> None:
        if not self._listeners:
            return
        event: Event = {"event": kind, "time": round(time.time(), 3), "counts": self.counts, "eta_s": self.eta}
        if task is not None:
            event |= {"step": task.name, "label": task.label}
        event |= more
        for listener in self._listeners:
            listener(event)


def duration(seconds: float | None) -> str:
    """``90`` as ``1m30s``; short enough for a table."""
    if seconds is None:
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f}s" if seconds < 10 else f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def counted(event: Event) -> str:
    """``12/30 done, 1 failed, 2 running, 3m20s left``."""
    counts = event["counts"]
    parts = [f"{counts['done']}/{counts['total']} done"]
    parts += [f"{counts[kind]} {kind}" for kind in ("failed", "running") if counts[kind]]
    if event.get("eta_s") and counts["done"] + counts["failed"] < counts["total"]:
        parts.append(f"{duration(event['eta_s'])} left")
    return ", ".join(parts)


def finished_line(event: Event) -> str:
    line = f"{event['label']}: {event['status']}"
    if event["seconds"]:
        line += f" in {duration(event['seconds'])}"
    return line + (f": {event['message'].splitlines()[-1]}" if event["message"] else "")
