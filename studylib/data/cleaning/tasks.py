"""Many tasks, each once: datatrove's executors run them, here, under Slurm or on Ray, and mark those that are done."""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any, Literal

from datatrove.executor.base import PipelineExecutor
from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.utils.logging import logger

from studylib.environment import child_environment
from studylib.errors import StudyError, invalid

EXECUTORS = ("local", "slurm", "ray")
Said = Callable[[str], None]
_POLL_SECONDS = 2.0
_LAST_LINES = 3
_OURS = ("pipeline", "tasks", "workers", "logging_dir", "skip_completed")


@dataclass(frozen=True)
class Execution:
    """How tasks are run.

    Attributes
    ----------
    executor
        ``local`` (processes of this machine), ``slurm`` (array jobs) or ``ray``.
    workers
        Tasks at a time.
    options
        Of datatrove's executor: ``time``, ``partition``, ``mem_per_cpu_gb``, ``env_command``, ...
    """

    executor: Literal["local", "slurm", "ray"] = "local"
    workers: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raise StudyError where an option is not known, or what is needed is not installed."""
        if self.executor not in EXECUTORS:
            raise invalid("executor", self.executor, "is not known", choices=EXECUTORS)
        if self.workers < 1:
            raise invalid("workers", self.workers, "must be at least 1")
        known = [name for name in inspect.signature(self._class().__init__).parameters if name != "self"]
        for name, value in self.options.items():
            if name not in known or name in _OURS:
                choices = [one for one in known if one not in _OURS]
                raise invalid(f"executor option {name}", value, f"is not one of {self.executor}", choices=choices)
        if self.executor == "slurm":
            for needed in ("time", "partition"):
                if needed not in self.options:
                    raise invalid(f"executor option {needed}", None, "is missing: Slurm needs it")
            if shutil.which("sbatch") is None:
                raise invalid("executor", "slurm", "needs the program sbatch, which is not on the PATH")

    def _class(self) -> type[PipelineExecutor]:
        if self.executor == "slurm":
            from datatrove.executor.slurm import SlurmPipelineExecutor

            return SlurmPipelineExecutor
        if self.executor == "ray":
            try:
                import ray  # noqa: F401
            except ImportError:
                raise invalid("executor", "ray", "needs the package ray: pip install ray") from None
            from datatrove.executor.ray import RayPipelineExecutor

            return RayPipelineExecutor
        return _LocalExecutor

    def of(self, step: PipelineStep, tasks: int, logs: Path) -> PipelineExecutor:
        options = dict(self.options)
        if self.executor == "slurm":
            options.setdefault("job_name", "study_clean")
            options.setdefault("env_command", _environment())
        workers = min(self.workers, tasks) if self.executor == "local" else self.workers
        return self._class()(pipeline=[step], tasks=tasks, workers=workers, logging_dir=str(logs.absolute()), **options)


class _Step(PipelineStep):
    """A task of ours as a step of datatrove's pipeline; documents go from file to file, not from step to step."""

    type = "Study"

    def __init__(self, name: str, work: Callable[[int], None]):
        self.name = name
        super().__init__()
        self._work = work

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        with self.track_time():
            self._work(rank)
        yield from ()


def run_tasks(
    name: str,
    work: Callable[[int], None],
    tasks: int,
    folder: Path,
    execution: Execution,
    say: Said = lambda line: None,
) -> None:
    """Call ``work(0)`` to ``work(tasks - 1)``, each in some process, unless it was done before.

    Parameters
    ----------
    work
        Can be pickled; leaves files, written atomically, and does the same again when it is called again.
    folder
        Where the marks of those that are done lie, with a log for each.

    Raises
    ------
    StudyError
        What a task raised; or its process died.
    """
    executor = execution.of(_Step(name, work), tasks, folder)
    if not executor.get_incomplete_ranks():
        return
    logger.remove()  # datatrove would tell of each task on stderr; its logs lie in `folder`
    if execution.executor == "slurm":
        executor.launch_merge_stats = _no_more  # a job that would come when the folder may be gone
    if isinstance(executor, _LocalExecutor):
        executor.on_done = lambda done: say(f"{name}: {done} of {tasks}")
    executor.run()
    if execution.executor == "slurm":
        _wait_for_slurm(executor, name, say)
    if left := executor.get_incomplete_ranks():
        raise StudyError(f"{name}: {len(left)} of {tasks} tasks failed; {_last_words(folder, left[0])}")


class _LocalExecutor(LocalPipelineExecutor):
    """As datatrove's, but it notices a worker that was killed, and leaves no process behind when it is killed itself.

    (Its pool waits for ever for what a killed worker had begun, and the server that it forks outlives it with the locks that
    this process holds.)
    """

    on_done: Callable[[int], None] | None = None

    def run(self) -> None:
        self._launched = True
        ranks = self.get_incomplete_ranks()
        done, on_done = self.tasks - len(ranks), self.on_done or (lambda done: None)
        self.on_done = None  # not to be pickled
        if self.workers == 1 or len(ranks) == 1:
            for rank in ranks:
                _run(self, rank)
                done += 1
                on_done(done)
            return
        waiting, running, context = iter(ranks), set[Future](), get_context("forkserver")
        context.set_forkserver_preload([f"studylib.data.cleaning.{one}" for one in ("stage", "take_in", "tasks")])
        with ProcessPoolExecutor(self.workers, mp_context=context, initializer=_begin) as pool:
            try:
                while True:
                    while len(running) < self.workers and (rank := next(waiting, None)) is not None:
                        running.add(pool.submit(_run, self, rank))
                    if not running:
                        return
                    finished, running = wait(running, return_when=FIRST_COMPLETED)
                    for one in finished:
                        one.result()
                        done += 1
                        on_done(done)
            except BrokenProcessPool:
                why = "a worker was killed (out of memory?); what was finished is kept: run again, with fewer workers"
                raise StudyError(f"{self.pipeline[0].name}: {why}") from None


def _no_more() -> None:
    pass


def _run(executor: PipelineExecutor, rank: int) -> None:
    with contextlib.redirect_stderr(io.StringIO()):  # the log holds it too
        executor._run_for_rank(rank, local_rank=1)


def _begin() -> None:
    """In a worker: Ctrl-C is its parent's business, and without a parent there is nothing to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    connection.wait([parent_process().sentinel])
    os._exit(1)


def _environment() -> str:
    """Shell commands after which a job finds this Python and this package."""
    places = {"PATH": f"{Path(sys.executable).parent}:$PATH", "PYTHONPATH": child_environment()["PYTHONPATH"]}
    return "\n".join(f'export {name}="{value}"' for name, value in places.items())


def _wait_for_slurm(executor: Any, name: str, say: Said) -> None:
    """Until all tasks are done, or no job is left that could do them."""
    said, ended = -1, False
    while left := executor.get_incomplete_ranks():
        if ended:
            return
        if executor.tasks - len(left) != said:
            said = executor.tasks - len(left)
            say(f"{name}: {said} of {executor.tasks} (Slurm job {executor.job_id})")
        asked = subprocess.run(
            ["squeue", "-h", "-j", str(executor.job_id), "-o", "%T"], capture_output=True, text=True, check=False
        )
        # A job that ended long ago is not known any more: then squeue fails.
        ended = not asked.stdout.strip()
        if not ended:
            time.sleep(_POLL_SECONDS)


def _last_words(folder: Path, task: int) -> str:
    log = folder / "logs" / f"task_{task:05d}.log"
    try:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        return f"there is no log in {log.parent}"
    return f"{log} ends: {' '.join(' '.join(lines[-_LAST_LINES:]).split())[-400:]}"
