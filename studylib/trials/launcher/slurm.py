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
from pathlib import Path
from typing import Any

from studylib.errors import StudyError
from studylib.files import read_json_lines
from studylib.spec import TrialSpec
from studylib.trials.cache import Trial
from studylib.trials.command_slot import reported_by_ranks
from studylib.trials.launcher import Launcher, Setting
from studylib.trials.log import BoundedLog
from studylib.trials.outcome import Outcome, bounded
from studylib.trials.progress import Tracker
from studylib.trials.rank import carry_out_rank

__all__ = ["Slurm"]

_DAY_MINUTES = 24 * 60
_POLL_SECONDS = 1.0


class Slurm(Launcher):
    def run(self, trials: Sequence[Trial], setting: Setting, tracker: Tracker) -> None:
        jobs: dict[Any, Trial] = {}
        with contextlib.ExitStack() as locks:
            try:
                for group in _by_width(trials):
                    jobs |= _submit(group, setting, locks)
                _follow(jobs, tracker)
            finally:
                for job in jobs:
                    if not job.done():
                        job.cancel(check=False)

    def show(self, trials: Sequence[Trial], setting: Setting) -> str:
        """The sbatch script of each job array."""
        from submitit.slurm.slurm import SlurmExecutor

        class Unsent(SlurmExecutor):
            """Writes the script also where Slurm is not installed."""

            @classmethod
            def affinity(cls) -> int:
                return 1

        scripts = []
        for group in _by_width(trials):
            executor = _executor(group, setting, writes_only=Unsent(setting.out / "slurm"))
            if len(group) > 1:
                executor.parameters["map_count"] = len(group)
            scripts.append(
                f"# {len(group)} trials\n{executor._make_submission_file_text(executor._submitit_command_str, '')}"
            )
        return "\n".join(scripts)


def run_rank(spec: dict[str, Any], folder: str, data_folder: str, train: str) -> None:
    """What a job does: one rank of a trial. Called on the compute node by submitit."""
    import submitit

    environment = submitit.JobEnvironment()
    if environment.num_tasks > 1:
        distributed = submitit.helpers.TorchDistributedEnvironment()
        if environment.num_nodes == 1:  # a node's own name need not resolve
            distributed.master_addr = "127.0.0.1"
        distributed.export(set_cuda_visible_devices=False)
    carry_out_rank(TrialSpec.model_validate(spec), Path(folder), Path(data_folder), train)


def _submit(group: Sequence[Trial], setting: Setting, locks: contextlib.ExitStack) -> dict[Any, Trial]:
    for trial in group:
        if not locks.enter_context(trial.lock()):
            raise RuntimeError(f"trial {trial.hash} is being run by another process on the same folder")
        trial.clear_failure()
        for stale in trial.folder.glob("outcome.*.json"):
            stale.unlink()
    executor = _executor(group, setting)
    data_folder = str(setting.data_folder.resolve())
    with executor.batch():
        submitted = [
            executor.submit(
                run_rank, trial.spec.model_dump(mode="json"), str(trial.folder.resolve()), data_folder, setting.train
            )
            for trial in group
        ]
    return dict(zip(submitted, group, strict=True))


def _follow(jobs: dict[Any, Trial], tracker: Tracker) -> None:
    """Until every job has ended."""
    waiting, running = dict(jobs), {}
    sizes: dict[str, int] = {}
    while waiting or running:
        for job, trial in list(waiting.items()):
            if job.done() or job.state.upper() == "RUNNING":
                running[job] = waiting.pop(job), time.monotonic()
                tracker.started(trial)
        for job, (trial, began) in list(running.items()):
            metrics = trial.folder / "metrics.jsonl"
            size = metrics.stat().st_size if metrics.exists() else 0
            if size > sizes.get(trial.hash, 0) and (records := read_json_lines(metrics)):
                tracker.metrics(trial, records[-1])
            sizes[trial.hash] = size
            if job.done():
                del running[job]
                outcome, seconds = _outcome(job, trial), time.monotonic() - began
                if outcome.failed:
                    trial.record_failure(outcome, seconds)
                tracker.finished(trial, outcome, seconds)
        if waiting or running:
            time.sleep(_POLL_SECONDS)


def _outcome(job: Any, trial: Trial) -> Outcome:
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


def _executor(group: Sequence[Trial], setting: Setting, *, writes_only: Any = None) -> Any:
    import submitit

    spec = group[0].spec
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


def _by_width(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Trials that need the same number of processes share an array; the longest come first."""
    groups: dict[int, list[Trial]] = {}
    for trial in sorted(trials, key=lambda trial: -trial.flops):
        groups.setdefault(trial.spec.parallel.world_size, []).append(trial)
    return list(groups.values())
