"""One step after another in this very process: a debugger and Jupyter's ``%debug`` reach into it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence

from studylib.steps._kind import Context
from studylib.trials.cache import Task
from studylib.trials.launcher import Launcher, Setting
from studylib.trials.outcome import Outcome
from studylib.trials.pool import end_task
from studylib.trials.progress import Tracker
from studylib.trials.queue import Queue
from studylib.trials.worker import carry_out

__all__ = ["InProcess"]


class InProcess(Launcher):
    """Failures are recorded as by the other launchers, but a step that kills its process kills this one."""

    def run(self, queue: Queue, setting: Setting, tracker: Tracker) -> None:
        if setting.timeout:
            warnings.warn("launcher 'inprocess' cannot stop a trial: trial_timeout_s is ignored", stacklevel=2)
        while (task := queue.take()) is not None:
            with task.lock() as ours:
                if not ours:
                    raise RuntimeError(f"{task.name} is being carried out by another process on the same folder")
                task.clear_failure()
                tracker.started(task)
                began = time.monotonic()

                def on_metrics(record: dict, task: Task = task) -> None:
                    tracker.metrics(task, record)

                context = Context(setting.out, train=setting.train, say=tracker.preparing, on_metrics=on_metrics)
                outcome = carry_out(task, context)
                if not outcome.failed and task.result_here() is None:
                    outcome = Outcome("crashed", f"it ended without writing a valid {task.kind.marker}")
                seconds = time.monotonic() - began
                if outcome.failed:
                    task.record_failure(outcome, seconds)
            end_task(queue, tracker, task, outcome, seconds)

    def show(self, tasks: Sequence[Task], setting: Setting) -> str:
        return f"{len(tasks)} steps one after another in this process"
