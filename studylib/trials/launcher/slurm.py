"""Each trial as a Slurm job, submitted as a job array through submitit.

Options (``launcher_options`` of the parameters) are submitit's: ``slurm_partition``, ``slurm_account``,
``timeout_min``, ``cpus_per_task``, ``mem_gb``, ``slurm_array_parallelism`` ...; ``cluster: local`` runs the same
functions as plain processes on this machine. The study folder must be on a file system that the nodes share.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studylib.environment import cores
from studylib.errors import StudyError
from studylib.files import read_json_lines
from studylib.spec import TrialSpec
from studylib.trials.cache import Task
from studylib.trials.command_slot import reported_by_ranks
from studylib.trials.launcher import Launcher, Setting
from studylib.trials.log import BoundedLog
from studylib.trials.outcome import Outcome, bounded
from studylib.trials.pool import Pool, end_task
from studylib.trials.progress import Tracker
from studylib.trials.queue import Queue
from studylib.trials.rank import carry_out_rank
from studylib.trials.slots import WorkerSlot

__all__ = ["Slurm"]

_DAY_MINUTES = 24 * 60


@dataclass
class _Job:
    """A trial that was submitted, and what is known of it."""

    trial: Task
    lock: contextlib.ExitStack
    began: float | None = None
    _size: int = 0

    def ended(self, job: Any, tracker: Tracker) -> bool:
        """Tell the listeners what is new; whether the job has ended."""
        done = job.done()
        if self.began is None and (done or job.state.upper() == "RUNNING"):
            self.began = time.monotonic()
            tracker.started(self.trial)
        metrics = self.trial.folder / "metrics.jsonl"
        size = metrics.stat().st_size if metrics.exists() else 0
        if size > self._size and (records := read_json_lines(metrics)):
            tracker.metrics(self.trial, records[-1])
        self._size = size
        return done


class Slurm(Launcher):
    """Trials are jobs, submitted as soon as what they read is there; other steps run where the study was started."""

    def run(self, queue: Queue, setting: Setting, tracker: Tracker) -> None:
        here = WorkerSlot(setting.out, train=setting.train, threads=cores(), fits=lambda task: not _is_trial(task))
        pool = Pool(queue, [here], tracker, retry_failed=setting.retry_failed)
        jobs: dict[Any, _Job] = {}
        try:
            while queue:
                for group in _by_width(list(iter(lambda: queue.take(_is_trial), None))):
                    jobs |= _submit(group, setting)
                pool.tick()
                for job, one in list(jobs.items()):
                    if one.ended(job, tracker):
                        del jobs[job]
                        outcome, seconds = _outcome(job, one.trial), time.monotonic() - one.began
                        if outcome.failed:
                            one.trial.record_failure(outcome, seconds)
                        one.lock.close()
                        end_task(queue, tracker, one.trial, outcome, seconds)
        finally:
            pool.close()
            for job, one in jobs.items():
                job.cancel(check=False)
                one.lock.close()

    def show(self, tasks: Sequence[Task], setting: Setting) -> str:
        """The sbatch script of each job array."""
        from submitit.slurm.slurm import SlurmExecutor

        class Unsent(SlurmExecutor):
            """Writes the script also where Slurm is not installed."""

            @classmethod
            def affinity(cls) -> int:
                return 1

        scripts = []
        for group in _by_width([task for task in tasks if _is_trial(task)]):
            executor = _executor(group, setting, writes_only=Unsent(setting.out / "slurm"))
            if len(group) > 1:
                executor.parameters["map_count"] = len(group)
            scripts.append(
                f"# {len(group)} trials\n{executor._make_submission_file_text(executor._submitit_command_str, '')}"
            )
        return "\n".join(scripts)


def run_rank(spec: dict[str, Any], out: str, train: str) -> None:
    """What a job does: one rank of a trial. Called on the compute node by submitit."""
    import submitit

    environment = submitit.JobEnvironment()
    if environment.num_tasks > 1:
        distributed = submitit.helpers.TorchDistributedEnvironment()
        if environment.num_nodes == 1:  # a node's own name need not resolve
            distributed.master_addr = "127.0.0.1"
        distributed.export(set_cuda_visible_devices=False)
    carry_out_rank(TrialSpec.model_validate(spec), Path(out), train)


def _is_trial(task: Task) -> bool:
    return task.step.folder == TrialSpec.folder


def _submit(group: Sequence[Task], setting: Setting) -> dict[Any, _Job]:
    locks = [contextlib.ExitStack() for _ in group]
    try:
        for trial, lock in zip(group, locks, strict=True):
            if not lock.enter_context(trial.lock()):
                raise RuntimeError(f"{trial.name} is being carried out by another process on the same folder")
            trial.clear_failure()
            for stale in trial.folder.glob("outcome.*.json"):
                stale.unlink()
        executor = _executor(group, setting)
        with executor.batch():
            submitted = [
                executor.submit(run_rank, trial.step.model_dump(mode="json"), str(setting.out.resolve()), setting.train)
                for trial in group
            ]
    except BaseException:
        for lock in locks:
            lock.close()
        raise
    return {job: _Job(trial, lock) for job, trial, lock in zip(submitted, group, locks, strict=True)}


def _outcome(job: Any, trial: Task) -> Outcome:
    """From the trial's own files first, then from what Slurm says."""
    log = BoundedLog(trial.folder / "log.txt")
    for text in (job.stdout(), job.stderr()):
        log.write((text or "").encode())
    log.close()
    if trial.result() is not None:
        return Outcome("done")
    if (reported := reported_by_ranks(trial.folder)) is not None:
        return reported
    state = job.state.upper()
    said = bounded(f"Slurm job {job.job_id} ended as {state}: {log.last_lines()}")
    if "OUT_OF_MEMORY" in state:
        return Outcome("oom", said)
    # submitit asks a job to stop shortly before its limit; a trial cannot be requeued from there, and it says so.
    if "TIMEOUT" in state or "timed-out" in log.last_lines(50):
        return Outcome("timeout", said)
    return Outcome("crashed", said)


def _executor(group: Sequence[Task], setting: Setting, *, writes_only: Any = None) -> Any:
    import submitit

    spec = group[0].step
    nodes = setting.options.get("nodes", 1)
    minutes = math.ceil(setting.timeout / 60) if setting.timeout else _DAY_MINUTES
    parameters: dict[str, Any] = {
        "name": "studylib",
        "tasks_per_node": -(-spec.parallel.world_size // nodes),
        "timeout_min": minutes,
    }
    if spec.compute.device == "cuda":
        parameters["gpus_per_node"] = parameters["tasks_per_node"]
    parameters |= setting.options
    cluster = parameters.pop("cluster", "slurm")
    folder = setting.out / "slurm"
    try:
        if writes_only is not None:  # take the checks and names of the automatic executor, but send nothing
            executor = submitit.AutoExecutor(folder, cluster="debug")
            executor.cluster, executor._executor = "slurm", writes_only
        else:
            executor = submitit.AutoExecutor(folder, cluster=cluster)
        executor.update_parameters(**parameters)
    except (RuntimeError, ValueError, NameError, TypeError, AssertionError) as error:
        raise StudyError(f"launcher_options: {bounded(' '.join(str(error).split()), 400)}") from None
    return executor if writes_only is None else writes_only


def _by_width(trials: Sequence[Task]) -> list[list[Task]]:
    """Trials that need the same number of processes share an array; the longest come first."""
    groups: dict[int, list[Task]] = {}
    for trial in sorted(trials, key=lambda trial: -trial.flops):
        groups.setdefault(trial.step.processes, []).append(trial)
    return list(groups.values())
