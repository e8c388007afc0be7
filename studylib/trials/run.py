"""`run_steps`: what is not there yet is made, each step as soon as what it reads is there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studylib.environment import at_a_time
from studylib.errors import StudyError, invalid
from studylib.registry import LAUNCHERS
from studylib.spec import Step, TrialSpec
from studylib.steps._kind import DEFAULT_TRAIN
from studylib.trials.cache import Task, tasks_under
from studylib.trials.display import default_listeners
from studylib.trials.estimate import SpeedEstimate
from studylib.trials.launcher import Setting
from studylib.trials.outcome import Outcome
from studylib.trials.pool import record_lost
from studylib.trials.progress import Listener, Tracker
from studylib.trials.queue import Queue, Round

if TYPE_CHECKING:
    import polars


def run_trials(specs: Iterable[Step], out: Path | str, **launch: Any) -> polars.DataFrame:
    """Train what is not trained yet and return one row a trial.

    Parameters
    ----------
    specs
        What to train, and other steps, which have no row; a specification given twice (with other tags) is trained once and
        has two rows. A trial that goes on from another (``start_from``, ``branch_from``) is trained after that one, whatever
        the order here.
    out, launch
        As for `run_steps`.

    Returns
    -------
    polars.DataFrame
        See `trials_frame`. A trial that diverges, crashes, is out of memory or too slow has its ``status`` and
        ``message`` there; the others go on.

    Raises
    ------
    StudyError
        Something given is not valid, or the text cannot be prepared.
    """
    from studylib.trials.frame import trials_frame

    specs = list(specs)
    run_steps(specs, out, **launch)
    return trials_frame((step for step in specs if isinstance(step, TrialSpec)), Path(out))


def run_steps(
    steps: Iterable[Step],
    out: Path | str,
    *,
    rounds: Sequence[Round] = (),
    workers: int | None = None,
    timeout: float | None = None,
    launcher: str = "local",
    launcher_options: dict[str, Any] | None = None,
    retry_failed: bool = False,
    progress: Listener | Sequence[Listener] | None = None,
    train: str = DEFAULT_TRAIN,
) -> list[Step]:
    """Carry out the steps that are not done yet, what they read, and what their rounds add.

    Parameters
    ----------
    out
        Study folder: outcomes are in ``out/<kind>/<hash>``.
    rounds
        What follows from the outcomes.
    workers
        Steps at a time; left out: one a core, or one a GPU.
    timeout
        Seconds a step may take before it is ended and recorded as ``timeout``.
    launcher, launcher_options
        ``local``, ``inprocess``, ``torchrun`` or ``slurm``; the options are for Slurm (partition, account, ...).
    retry_failed
        Also carry out again the steps whose failure is on record.
    progress
        Called with each event (see ``progress.py``); left out: a live display on a terminal, plain lines elsewhere.
    train
        ``module:function`` that trains one trial. Where it is not the package's own, no text is prepared for it.

    Returns
    -------
    list of Step
        Those given and those of the rounds.

    Raises
    ------
    StudyError
        Something given is not valid, or the text cannot be prepared; whatever did not need it was carried out.
    """
    out, asked = Path(out), list(steps)
    check_settings(workers, timeout, launcher)
    if not asked:
        return asked
    listeners = default_listeners() if progress is None else [progress] if callable(progress) else list(progress)
    unread: list[str] = []  # why text cannot be prepared

    def listen(event: dict[str, Any]) -> None:
        if event["event"] == "finished" and event["status"] != "done" and event["step"].startswith("data/"):
            unread.append(event["message"])

    def tasks_of(steps: Sequence[Step]) -> tuple[list[Task], dict[str, Outcome]]:
        tasks = tasks_under(out, steps)
        if train != DEFAULT_TRAIN:
            tasks = [task for task in tasks if not task.name.startswith("data/")]
        return still_to_do(tasks, {step.name for step in steps}, retry_failed=retry_failed)

    def add(steps: Sequence[Step]) -> list[Task]:
        known = {(step.name, step.label) for step in asked}  # a later round of a search names its earlier trials too
        steps = [step for step in steps if (step.name, step.label) not in known]
        asked.extend(steps)
        tasks, ended = tasks_of(steps)
        tracker.added(tasks, ended)
        return tasks

    tasks, ended = tasks_of(asked)
    tracker = Tracker(tasks, [*listeners, listen], SpeedEstimate(out).seconds, at_a_time(workers))
    total = len({step.name for step in asked if not step.alone}) + sum(one.expected for one in rounds)
    setting = Setting(out, total, workers, timeout, retry_failed, train, launcher_options or {})
    tracker.begin(ended)
    try:
        queue = Queue(tasks, rounds=rounds, add=add, say=tracker.preparing)
        for name, outcome in list(ended.items()):
            if outcome.failed:
                record_lost(queue.lose(name, outcome), tracker)
        if queue:
            LAUNCHERS[launcher]().run(queue, setting, tracker)
    finally:
        tracker.end()
    if unread:
        raise StudyError(unread[0])
    return asked


def check_settings(workers: int | None, timeout: float | None, launcher: str) -> None:
    LAUNCHERS.check(launcher)
    if workers is not None and workers < 1:
        raise invalid("workers", workers, "must be at least 1")
    if timeout is not None and timeout <= 0:
        raise invalid("timeout", timeout, "must be more than 0 seconds")


def still_to_do(
    tasks: Sequence[Task], asked: set[str], *, retry_failed: bool = False
) -> tuple[list[Task], dict[str, Outcome]]:
    """The tasks that have to be carried out, and by name the outcomes on record of the others.

    What nobody asked for by name is to do only where something that is to do reads it. A step whose record was restored is done,
    but what would be read of it (text, weights) is not there, nor are the weights of a trial that was to keep none: it is to do
    again for what reads it.
    """
    to_do: dict[str, Task] = {}
    ended: dict[str, Outcome] = {}
    wanted, read = set(asked), set()
    for task in reversed(tasks):  # what is read comes before what reads it
        if task.name not in wanted:
            continue
        found = task.result()
        if found is not None and not (task.kind.checked if task.readable else task.name in read):
            ended[task.name] = Outcome("done")
        elif (failure := task.failure()) is not None and not retry_failed:
            ended[task.name] = Outcome(failure.status, failure.message)
        else:
            to_do[task.name] = task
            wanted.update(task.step.reads)
            read.update(task.step.reads)
    return [task for task in tasks if task.name in to_do], ended
