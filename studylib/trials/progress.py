"""What is going on, as events; who listens decides how it looks (``display.py``).

An event is a JSON object: ``event`` (preparing, begin, started, metrics, finished, end), ``time`` (Unix seconds),
``counts`` (total, done, failed, running), ``eta_s`` (seconds left, or null), and for one step ``step`` (name),
``label``, and ``record`` (metrics) or ``status``, ``message``, ``seconds`` (finished); ``message`` also with preparing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from studylib.trials.cache import Task
from studylib.trials.outcome import Outcome

Event = dict[str, Any]
Listener = Callable[[Event], None]


_SHOWN = ("step", "tokens", "loss", "val_loss", "val_bpb", "tokens_per_s")


def shown_metrics(record: dict[str, Any]) -> dict[str, float]:
    """The few finite numbers of a metrics record that a display needs; the whole record is in ``metrics.jsonl``."""
    return {key: record[key] for key in _SHOWN if key in record and math.isfinite(record[key])}


class Tracker:
    """Counts steps and tells the listeners.

    The time left is the FLOPs left over the FLOPs a second so far, trials under way counted by how far they are.
    """

    def __init__(self, tasks: Sequence[Task], listeners: Sequence[Listener] = ()):
        self._tasks = {task.name: task for task in tasks}
        self._listeners = list(listeners)
        self._finished: dict[str, Outcome] = {}
        self._running: dict[str, float] = {}  # name: how much of it is done
        self._began = time.monotonic()
        self._flops_done = 0.0

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
        if seconds and not outcome.failed:
            self._flops_done += task.flops
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
    def eta(self) -> float | None:
        """Seconds until all trials are finished; None while nothing is known."""
        partly = sum(self._tasks[name].flops * fraction for name, fraction in self._running.items())
        worked = self._flops_done + partly
        if not worked:
            return None
        left = sum(task.flops for name, task in self._tasks.items() if name not in self._finished) - partly
        return left / worked * (time.monotonic() - self._began)

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
