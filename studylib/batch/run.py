"""The study's own loop: start notebooks, watch them, leave nothing running."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from studylib.batch.display import Display, EventFile, display_for
from studylib.batch.execution import Execution
from studylib.batch.jobs import Job
from studylib.batch.marker import is_current
from studylib.batch.steps import carry_out_steps
from studylib.environment import cores
from studylib.files import file_lock

_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class IdeaOutcome:
    """``status``: done, up to date, failed or timeout."""

    idea: str
    status: str
    message: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.status in ("done", "up to date")


@dataclass
class _Running:
    execution: Execution
    events: EventFile
    lock: contextlib.ExitStack


def run_study(
    jobs: Sequence[Job], *, side_by_side: int = 1, timeout: float | None = None, display: Display | None = None
) -> list[IdeaOutcome]:
    """Carry out all steps, then run the notebooks whose results are missing or out of date; one outcome a job, in their order.

    Parameters
    ----------
    side_by_side
        Notebooks at a time; the machine's cores are shared out among them. One that reads the others' results has all cores.
    timeout
        Seconds a notebook may take.

    On any exception, also Ctrl-C, every notebook is ended with everything it started.
    """
    display = display or display_for()
    carry_out_steps(jobs)
    waiting, running, outcomes = list(jobs), {}, {}
    share = max(1, cores() // max(1, min(side_by_side, len(jobs))))
    told_waiting: set[str] = set()
    display.begin([job.idea.name for job in jobs])
    try:
        while waiting or running:
            for job in list(waiting):
                if len(running) >= side_by_side or (job.idea.after_all and _others_left(job, waiting, running)):
                    continue
                name = job.idea.name
                lock = contextlib.ExitStack()
                if not lock.enter_context(file_lock(job.folder / ".lock", blocking=False)):
                    if name not in told_waiting:
                        told_waiting.add(name)
                        display.state(name, "waiting", "another run is at it")
                    continue
                waiting.remove(job)
                try:
                    if is_current(job):
                        outcomes[name] = IdeaOutcome(name, "up to date")
                        display.state(name, "up to date")
                        lock.close()
                        continue
                    alone = job.idea.after_all  # it may have a round to train
                    execution = Execution(job, cores=cores() if alone else share, timeout=timeout)
                except BaseException:
                    lock.close()
                    raise
                running[name] = _Running(execution, EventFile(job.folder / "progress.jsonl"), lock)
                display.state(name, "running")
            for name, one in list(running.items()):
                for event in one.events.new():
                    display.event(name, event)
                if (ended := one.execution.finished()) is None:
                    continue
                for event in one.events.new():
                    display.event(name, event)
                del running[name]
                one.lock.close()
                outcomes[name] = IdeaOutcome(name, *ended, seconds=one.execution.seconds)
                display.state(name, *ended)
            if waiting or running:
                time.sleep(_LOOK_SECONDS)
    finally:
        for one in running.values():
            one.execution.stop()
            one.lock.close()
        display.end()
    return [outcomes[job.idea.name] for job in jobs]


def _others_left(job: Job, waiting: Sequence[Job], running: dict[str, _Running]) -> bool:
    return bool(running) or any(other is not job and not other.idea.after_all for other in waiting)
