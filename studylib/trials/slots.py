"""Places where a step can run; here the worker that stays alive (``command_slot.py`` has the other kind).

They are watched through file descriptors by one scheduler (``pool.py``) and hold at most one step at a time.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studylib.environment import child_environment, memory_environment, thread_environment
from studylib.trials.cache import Task
from studylib.trials.log import BoundedLog
from studylib.trials.outcome import Outcome, outcome_of_exit
from studylib.trials.process import GuardedProcess

OnMetrics = Callable[[dict[str, Any]], None]
Say = Callable[[str], None]
_READ = 1 << 16
_START_ATTEMPTS = 3


class Slot(ABC):
    """Runs a process under a guard, its output going to the step's log.

    Parameters
    ----------
    out
        Study folder.
    fits
        Which steps it may carry out.
    """

    def __init__(self, out: Path, fits: Callable[[Task], bool], environment: dict[str, str] | None = None):
        self.fits = fits
        self.task: Task | None = None
        self.began: float | None = None  # monotonic time at which the step itself began, imports not counted
        self.on_metrics: OnMetrics | None = None
        self.say: Say | None = None
        self._out = out
        self._environment = memory_environment() | (environment or {})
        self._process: GuardedProcess | None = None
        self._output: int | None = None
        self._log = BoundedLog()

    def start(self, task: Task, on_metrics: OnMetrics, say: Say) -> None:
        """Begin; `step` tells when it has ended."""
        task.work.mkdir(parents=True, exist_ok=True)
        self._log.close()
        self._log = BoundedLog(task.work / "log.txt")
        self.task, self.on_metrics, self.say, self.began = task, on_metrics, say, None
        self._begin(task)

    @abstractmethod
    def _begin(self, task: Task) -> None:
        """Set the process to work."""

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def descriptors(self) -> list[int]:
        """What to wait on; readable when `step` has something to do."""
        return [] if self._output is None else [self._output]

    def step(self) -> Outcome | None:
        """Take in what the process said. Returns the outcome when the step has ended."""
        self._drain()
        return None

    def stop(self) -> None:
        """End the process and everything it started; a step in it is cut off."""
        if self._process is not None:
            self._process.end()
            self._drain()
            os.close(self._output)
        self._process = self._output = None

    def free(self) -> None:
        """The step is over and recorded."""
        self.task = self.began = self.on_metrics = self.say = None
        self._log.close()
        self._log = BoundedLog()

    def close(self) -> None:
        self.stop()
        self._log.close()

    def _spawn(self, command: list[str], *, threads: int, **options: Any) -> None:
        self._output, write_end = os.pipe()
        os.set_blocking(self._output, False)
        try:
            environment = child_environment(**thread_environment(threads) | self._environment)
            self._process = GuardedProcess(command, environment=environment, stdout=write_end, **options)
        finally:
            os.close(write_end)

    def _drain(self) -> None:
        """Move what was printed into the log, without waiting."""
        if self._output is None:
            return
        with contextlib.suppress(BlockingIOError):
            while output := os.read(self._output, _READ):
                self._log.write(output)


class WorkerSlot(Slot):
    """A worker process that takes one step after another; started anew when it dies or is stopped."""

    def __init__(
        self, out: Path, *, train: str, threads: int = 1, environment: dict[str, str] | None = None,
        fits: Callable[[Task], bool] = lambda task: task.step.processes == 1,
    ):  # fmt: skip
        super().__init__(out, fits, environment)
        self._train, self._threads = train, threads
        self._channel: int | None = None
        self._heard = b""
        self._ready = False
        self._failed_starts = 0

    def launch(self) -> None:
        """Start the worker if there is none, so that it imports while there is other work."""
        if self._process is not None:
            return
        self._channel, channel = os.pipe()
        os.set_blocking(self._channel, False)
        self._heard, self._ready = b"", False
        command = [sys.executable, "-m", "studylib.trials.worker", "--channel", str(channel)]
        try:
            self._spawn(
                [*command, "--train", self._train, "--threads", str(self._threads)],
                threads=self._threads,
                stdin=subprocess.PIPE,
                pass_fds=(channel,),
            )
        finally:
            os.close(channel)

    def _begin(self, task: Task) -> None:
        if self._process is not None and self._process.poll() is not None:  # died idle
            self.stop()
        self.launch()
        request = {
            "kind": task.step.kind,
            "step": task.step.model_dump(mode="json"),
            "out": str(self._out.resolve()),
        }
        with contextlib.suppress(BrokenPipeError):  # it just died: step() will notice
            self._process.popen.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.popen.stdin.flush()

    def descriptors(self) -> list[int]:
        return super().descriptors() + ([] if self._channel is None else [self._channel])

    def step(self) -> Outcome | None:
        if self._process is None:
            return None
        dead = self._process.poll() is not None
        ended = self._listen()
        self._drain()
        if ended is not None:
            if dead or ended.status not in ("done", "diverged"):
                self.stop()  # half-built state may be left in the process: the next step gets a clean one
            return ended
        return self._bury() if dead else None

    def _listen(self) -> Outcome | None:
        ended = None
        with contextlib.suppress(BlockingIOError):
            while said := os.read(self._channel, _READ):
                self._heard += said
        *lines, self._heard = self._heard.split(b"\n")
        for line in lines:
            message = json.loads(line)
            match message["event"]:
                case "ready":
                    self._ready = True
                case "began":
                    self.began, self._failed_starts = time.monotonic(), 0
                case "metrics" if self.on_metrics is not None:
                    self.on_metrics(message["record"])
                case "said" if self.say is not None:
                    self.say(message["message"])
                case "ended":
                    ended = Outcome(message["status"], message["message"])
        return ended

    def _bury(self) -> Outcome | None:
        """The worker died. Its step failed, unless the worker never got as far as the step."""
        code, was_idle, task = self._process.poll(), self._ready and self.task is None, self.task
        self.stop()
        outcome = outcome_of_exit(code, self._log.last_lines())
        if self.began is not None:
            return outcome
        if was_idle:
            return None
        self._failed_starts += 1
        if self._failed_starts >= _START_ATTEMPTS:
            raise RuntimeError(f"workers cannot start: {outcome.message}")
        if task is not None:
            self._begin(task)
        return None

    def stop(self) -> None:
        if self._process is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.popen.stdin.close()
        super().stop()
        if self._channel is not None:
            os.close(self._channel)
            self._channel = None
