"""What a Slurm job does: one rank of a trial, on one node or on several, started again where it was stopped.

submitit runs it once a task. Shortly before the job's limit, and on preemption where Slurm says so, it asks rank 0 for what is to be
done later: the same rank again, which finds the trial's last checkpoint. Slurm starts a job that was preempted, or whose node
failed, again by itself.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studylib.spec import TrialSpec
from studylib.steps._kind import Context
from studylib.steps.trials import load_train
from studylib.train.kept import checkpoints
from studylib.trials.cache import Task
from studylib.trials.outcome import EXIT_STATUS, Outcome
from studylib.trials.rank import outcome_file, record_outcome
from studylib.trials.worker import carry_out

_NEAR_S = 120  # Slurm signals up to a minute early, and a job's clock starts before its processes do
_PORTS = range(10_000, 30_000)  # below those that systems give out at random


@dataclass
class SlurmRank:
    """A call of it trains this rank's part of the trial.

    Parameters
    ----------
    spec, out, train
        The trial as JSON, the study folder, and ``module:function`` that trains.
    limit
        Seconds of one job.
    signal_delay
        How many seconds before that limit the job is told.
    timeout
        Seconds the trial may take in all its jobs together; None: any.
    max_requeues
        How often its job may be started again.
    requeues, spent
        How often that was done, and the seconds those jobs took.
    """

    spec: dict[str, Any]
    out: str
    train: str
    limit: float
    signal_delay: float
    timeout: float | None
    max_requeues: int
    requeues: int = 0
    spent: float = 0.0

    def __call__(self) -> None:
        """Raises SystemExit where one of several ranks failed, for Slurm to end the others, or to be started again."""
        import submitit

        environment = submitit.JobEnvironment()
        self._leaving, self._said, self._began = False, None, time.monotonic()
        # Slurm's own count also has the times when it started the job again without asking.
        self.requeues = max(self.requeues, int(os.environ.get("SLURM_RESTART_COUNT", "0")))
        rank = environment.global_rank
        self._trial = Task.under(Path(self.out), TrialSpec.model_validate(self.spec))
        outcome_file(self._trial, rank).unlink(missing_ok=True)
        self._at_start = self._checkpoints()
        if self.requeues > self.max_requeues:
            record_outcome(self._trial, rank, self._too_often(self.requeues))
            return
        if environment.num_tasks > 1:
            join(environment)
        load_train(self.train)  # takes seconds, which are not the trial's
        with self._stopping_others(environment), self._within_timeout(rank):
            outcome = carry_out(self._trial, Context(Path(self.out), train=self.train), passes=self._passes)
        if self._leaving and rank and outcome.failed:
            return  # rank 0 is leaving too, and says why
        record_outcome(self._trial, rank, self._said or outcome)
        if outcome.failed and environment.num_tasks > 1:
            raise SystemExit(EXIT_STATUS[outcome.status])

    def checkpoint(self) -> Any:
        """What is to be done later, as submitit wants to know on rank 0; None: nothing, and the trial is on record as timed out."""
        from submitit.helpers import DelayedSubmission

        took = time.monotonic() - self._began
        spent, at_limit = self.spent + took, took >= self.limit - self.signal_delay - _NEAR_S
        if self.requeues >= self.max_requeues:
            self._said = self._too_often(self.requeues + 1)
        elif at_limit and self._checkpoints() <= self._at_start:
            why = f"the limit of {self.limit / 60:g} minutes of its job came before a new checkpoint, so it would never end"
            self._said = Outcome("timeout", f"{why}; keep checkpoints more often, or give a longer limit (timeout_min)")
        if self._said is not None:
            return None
        return DelayedSubmission(replace(self, requeues=self.requeues + 1, spent=spent))

    def _too_often(self, times: int) -> Outcome:
        bound = f"its job may be requeued {self.max_requeues} times (max_requeues)"
        return Outcome("timeout", f"was stopped {times} times before its end; {bound}")

    def _checkpoints(self) -> set[str]:
        return {path.name for path in checkpoints(self._trial.folder / "checkpoints")}

    def _passes(self, error: BaseException) -> bool:
        """Whether an exception out of the trainer is submitit's, which ends this process to have it started again."""
        return self._leaving and self._said is None and isinstance(error, SystemExit)

    @contextlib.contextmanager
    def _stopping_others(self, environment: Any) -> Iterator[None]:
        """Notice submitit's signal, on every rank; only rank 0 is asked what to do."""
        number = environment._usr_sig()
        before = signal.getsignal(number)

        def noticed(*arguments: Any) -> None:
            self._leaving = True
            before(*arguments)

        signal.signal(number, noticed)
        try:
            yield
        finally:
            signal.signal(number, before)

    @contextlib.contextmanager
    def _within_timeout(self, rank: int) -> Iterator[None]:
        """End this process when the trial's time is up: from a thread, since a rank that waits for another hears no signal."""
        if self.timeout is None:
            yield
            return

        def end() -> None:
            record_outcome(self._trial, rank, Outcome("timeout", f"took longer than the limit of {self.timeout:g} s"))
            os._exit(EXIT_STATUS["timeout"])

        timer = threading.Timer(max(0.0, self.timeout - self.spent), end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def join(environment: Any) -> None:
    """Set what torch.distributed reads, as torchrun would; ``MASTER_ADDR`` and ``MASTER_PORT`` stay where someone set them.

    Rank 0 is met at the address from which Slurm started the processes, the first node's: nobody has to look up a name.
    """
    first = "127.0.0.1"
    if environment.num_nodes > 1:
        first = os.environ.get("SLURM_LAUNCH_NODE_IPADDR") or environment.hostnames[0]
    # The same on all ranks, another one for each start: the last one may still be taken.
    start = f"{environment.job_id} {os.environ.get('SLURM_RESTART_COUNT', '0')}"
    found = {"MASTER_ADDR": first, "MASTER_PORT": str(random.Random(start).choice(_PORTS))}
    os.environ.update({name: os.environ.get(name) or value for name, value in found.items()})
    os.environ |= {
        "RANK": str(environment.global_rank),
        "WORLD_SIZE": str(environment.num_tasks),
        "LOCAL_RANK": str(environment.local_rank),
        "LOCAL_WORLD_SIZE": str(environment.num_tasks // environment.num_nodes),
        "GROUP_RANK": str(environment.node),
    }
