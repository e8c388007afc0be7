"""Each trial as a Slurm job, submitted as a job array through submitit.

Options (``launcher_options`` of the parameters) are submitit's: ``slurm_partition``, ``slurm_account``,
``timeout_min``, ``cpus_per_task``, ``mem_gb``, ``slurm_array_parallelism`` ...; ``cluster: local`` runs the same
functions as plain processes on this machine. The study folder must be on a file system that the nodes share.

A trial takes as many nodes as its processes need: ``gpus_per_node`` (8 if left out) says how many of them a node has room for,
``tasks_per_node`` where they are on processors; ``nodes`` gives the number instead. There is one Slurm task a process rather
than one torchrun a node: Slurm knows where each lies, its signals reach each, and when one fails it ends the others at once,
with the exit status of the one that failed. A job that reaches its limit (``timeout_min``) or is preempted is put back into
the queue and goes on from the trial's last checkpoint, at most ``max_requeues`` times (10 if left out); see ``slurm_rank.py``.

Jobs outlive a study that was killed. Started again, it finds their numbers (``slurm_job.json`` in a trial's folder) and waits for
those that Slurm still has, rather than having two jobs write into one folder. Ctrl-C cancels them.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studylib.environment import cores
from studylib.files import read_json, read_json_lines, write_json
from studylib.spec import TrialSpec
from studylib.trials.cache import Task
from studylib.trials.command_slot import reported_by_ranks
from studylib.trials.launcher import Launcher, Setting
from studylib.trials.log import BoundedLog
from studylib.trials.outcome import Outcome, bounded
from studylib.trials.pool import Pool, end_task
from studylib.trials.progress import Tracker
from studylib.trials.queue import Queue
from studylib.trials.slots import WorkerSlot
from studylib.trials.slurm_options import Needs, SlurmOptions
from studylib.trials.slurm_rank import SlurmRank

__all__ = ["Slurm"]

_LOOK_EVERY_S = 10.0  # whether a rank said that it failed; then Slurm is asked anew about its job


@dataclass
class _Job:
    """A trial that was submitted, and what is known of it."""

    trial: Task
    lock: contextlib.ExitStack
    began: float | None = None
    _size: int = 0
    _looked: float = 0.0

    def ended(self, job: Any, tracker: Tracker) -> bool:
        """Tell the listeners what is new; whether the job has ended."""
        # submitit asks Slurm ever more rarely, and ranks that are ended because another one failed leave no word of their own.
        look = time.monotonic() - self._looked > _LOOK_EVERY_S
        if look:
            self._looked = time.monotonic()
        done = job.done(force_check=look and reported_by_ranks(self.trial.folder) is not None)
        if self.began is None and (done or job.state.upper() == "RUNNING"):
            self.began = time.monotonic()
            tracker.started(self.trial)
        metrics = self.trial.folder / "metrics.jsonl"
        size = metrics.stat().st_size if metrics.exists() else 0
        if size > self._size and (records := read_json_lines(metrics)):
            tracker.metrics(self.trial, records[-1])
        self._size = size
        return done

    def close(self) -> None:
        """Nobody is to look for the job any more."""
        _job_file(self.trial).unlink(missing_ok=True)
        self.lock.close()


class Slurm(Launcher):
    """Trials are jobs, submitted as soon as what they read is there; other steps run where the study was started."""

    def run(self, queue: Queue, setting: Setting, tracker: Tracker) -> None:
        options = SlurmOptions.of(setting)
        here = WorkerSlot(setting.out, train=setting.train, threads=cores(), fits=lambda task: not _is_trial(task))
        pool = Pool(queue, [here], tracker, retry_failed=setting.retry_failed)
        jobs: dict[Any, _Job] = {}
        try:
            while queue:
                for needs, group in options.alike(list(iter(lambda: queue.take(_is_trial), None))):
                    jobs |= _submit(group, needs, options, setting)
                pool.tick()
                for job, one in list(jobs.items()):
                    if one.ended(job, tracker):
                        del jobs[job]
                        outcome, seconds = _outcome(job, one.trial), time.monotonic() - one.began
                        if outcome.failed:
                            one.trial.record_failure(outcome, seconds)
                        one.close()
                        end_task(queue, tracker, one.trial, outcome, seconds)
        finally:
            pool.close()
            for job, one in jobs.items():
                job.cancel(check=False)
                one.close()

    def show(self, tasks: Sequence[Task], setting: Setting) -> str:
        """The sbatch script of each job array."""
        from submitit.slurm.slurm import SlurmExecutor

        class Unsent(SlurmExecutor):
            """Writes the script also where Slurm is not installed."""

            @classmethod
            def affinity(cls) -> int:
                return 1

        scripts, options = [], SlurmOptions.of(setting)
        for needs, group in options.alike([task for task in tasks if _is_trial(task)]):
            executor = options.executor(needs, setting, writes_only=Unsent(setting.out / "slurm"))
            if len(group) > 1:
                executor.parameters["map_count"] = len(group)
            nodes, each = needs.placement.nodes, needs.placement.processes_per_node
            scripts.append(
                f"# {len(group)} trials: nodes {nodes}, processes a node {each}, requeued at most {options.max_requeues} times\n"
                f"{executor._make_submission_file_text(executor._submitit_command_str, '')}"
            )
        return "\n".join(scripts)


def _is_trial(task: Task) -> bool:
    return task.step.folder == TrialSpec.folder


def _submit(group: Sequence[Task], needs: Needs, options: SlurmOptions, setting: Setting) -> dict[Any, _Job]:
    locks = [contextlib.ExitStack() for _ in group]
    try:
        for trial, lock in zip(group, locks, strict=True):
            if not lock.enter_context(trial.lock()):
                raise RuntimeError(f"{trial.name} is being carried out by another process on the same folder")
            trial.clear_failure()
        jobs = [_still_there(trial, options, setting) for trial in group]
        if fresh := [trial for trial, job in zip(group, jobs, strict=True) if job is None]:
            for stale in (file for trial in fresh for file in trial.folder.glob("outcome.*.json")):
                stale.unlink()
            executor = options.executor(needs, setting)
            with executor.batch():
                submitted = [executor.submit(_rank_of(trial, options, setting)) for trial in fresh]
            for trial, job in zip(fresh, submitted, strict=True):
                write_json(_job_file(trial), {"cluster": options.cluster, "job": job.job_id})
            waiting = iter(submitted)
            jobs = [next(waiting) if job is None else job for job in jobs]
    except BaseException:
        for lock in locks:
            lock.close()
        raise
    return {job: _Job(trial, lock) for job, trial, lock in zip(jobs, group, locks, strict=True)}


def _still_there(trial: Task, options: SlurmOptions, setting: Setting) -> Any:
    """The job that an earlier start of the study submitted for this trial, if Slurm has it and it has not ended."""
    from submitit.slurm.slurm import SlurmJob

    try:
        known = read_json(_job_file(trial))
    except FileNotFoundError:
        return None
    if not known["cluster"] == options.cluster == "slurm":  # plain processes cannot be found again by their number
        return None
    job = SlurmJob((setting.out / "slurm").absolute(), known["job"], tasks=list(range(trial.step.processes)))
    return None if job.done(force_check=True) or job.state == "UNKNOWN" else job


def _job_file(trial: Task) -> Path:
    return trial.folder / "slurm_job.json"


def _outcome(job: Any, trial: Task) -> Outcome:
    """From the trial's own files first, then from what Slurm says."""
    log = BoundedLog(trial.folder / "log.txt")
    for text in (job.stdout(), job.stderr()):
        log.write((text or "").encode())
    log.close()
    if trial.result_here() is not None:
        return Outcome("done")
    if (reported := reported_by_ranks(trial.folder)) is not None:
        return reported
    state = job.state.upper()
    said = bounded(f"Slurm job {job.job_id} ended as {state}: {log.last_lines()}")
    if "OUT_OF_MEMORY" in state:
        return Outcome("oom", said)
    if "TIMEOUT" in state:  # it could not be told in time
        return Outcome("timeout", said)
    return Outcome("crashed", said)


def _rank_of(trial: Task, options: SlurmOptions, setting: Setting) -> SlurmRank:
    return SlurmRank(
        spec=trial.step.model_dump(mode="json"),
        out=str(setting.out.resolve()),
        train=setting.train,
        limit=60.0 * options.timeout_min,
        signal_delay=options.signal_delay_s,
        timeout=setting.timeout,
        max_requeues=options.max_requeues,
    )
