"""A place where each trial is a command of its own, such as torchrun."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path

from studylib.files import read_json_lines, write_json
from studylib.trials.cache import Task
from studylib.trials.outcome import Outcome, outcome_of_exit
from studylib.trials.slots import Slot


class CommandSlot(Slot):
    """One command a trial, such as torchrun; what it says beyond its exit status is read from the trial's files.

    Parameters
    ----------
    command
        Makes the command of a trial in a study folder.
    cores
        Shared out among the trial's processes.
    """

    def __init__(
        self, out: Path, command: Callable[[Task, Path], list[str]], *, cores: int, fits: Callable[[Task], bool]
    ):
        super().__init__(out, fits)
        self._command, self._cores = command, cores
        self._seen = 0
        self._looked = 0.0

    def _begin(self, trial: Task) -> None:
        write_json(trial.folder / "spec.json", trial.step.model_dump(mode="json"))
        for stale in trial.folder.glob("outcome.*.json"):
            stale.unlink()
        self._seen = len(read_json_lines(trial.folder / "metrics.jsonl"))
        threads = max(1, self._cores // trial.step.processes)
        self._spawn(self._command(trial, self._out), threads=threads)
        self.began = time.monotonic()

    def step(self) -> Outcome | None:
        if self._process is None:
            return None
        code = self._process.poll()
        self._drain()
        self._tell_metrics(final=code is not None)
        if code is None:
            return None
        trial = self.task
        self.stop()
        if code == 0:
            return Outcome("done")
        return reported_by_ranks(trial.folder) or outcome_of_exit(
            _rank_exit(self._log.last_lines(80), code), self._log.last_lines()
        )

    def _tell_metrics(self, *, final: bool) -> None:
        if not final and time.monotonic() - self._looked < 1.0:
            return
        self._looked = time.monotonic()
        records = read_json_lines(self.task.folder / "metrics.jsonl")
        if records[self._seen :] and self.on_metrics is not None:
            self.on_metrics(records[-1])
        self._seen = len(records)


def reported_by_ranks(folder: Path) -> Outcome | None:
    """The gravest of the outcomes that the ranks wrote down themselves (``rank.py``)."""
    gravity = ("done", "crashed", "diverged", "oom", "timeout")
    found = []
    for path in folder.glob("outcome.*.json"):
        with contextlib.suppress(ValueError, KeyError):  # cut short by a full disk: the other ranks and the log remain
            content = json.loads(path.read_text())
            found.append(Outcome(content["status"], content["message"]))
    failures = [outcome for outcome in found if outcome.failed]
    return max(failures, key=lambda outcome: gravity.index(outcome.status)) if failures else None


def _rank_exit(log: str, code: int) -> int:
    """torchrun ends with 1 whatever its ranks did; the root cause comes last in its report in the log."""
    for line in reversed(log.splitlines()):
        name, colon, value = line.partition(":")
        if colon and name.strip() == "exitcode" and value.split()[:1] and value.split()[0].lstrip("-").isdigit():
            return int(value.split()[0])
    return code
