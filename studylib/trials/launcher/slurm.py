"""Each trial as a Slurm job, submitted as a job array through submitit.

Options (``launcher_options`` of the parameters) are submitit's: ``slurm_partition``, ``slurm_account``,
``timeout_min``, ``cpus_per_task``, ``mem_gb``, ``slurm_array_parallelism`` ...; ``cluster: local`` runs the same
functions as plain processes on this machine. The study folder must be on a file system that the nodes share.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studylib.errors import StudyError
from studylib.spec import TrialSpec
from studylib.trials.cache import Trial
from studylib.trials.launcher._launcher import Setting
from studylib.trials.outcome import EXIT_STATUS, Outcome, bounded
from studylib.trials.progress import Tracker
from studylib.trials.slots import reported_by_ranks
from studylib.trials.worker import carry_out, load_train

__all__ = ["launcher"]

_DAY_MINUTES = 24 * 60
_POLL_SECONDS = 1.0


class Slurm:
    def run(self, trials: Sequence[Trial], setting: Setting, tracker: Tracker) -> None:
        jobs: dict[Any, Trial] = {}
        try:
            for group in _by_width(trials):
                executor = self._executor(group, setting)
                with executor.batch():
                    submitted = [
                        executor.submit(run_rank, trial.spec.model_dump(mode="json"), str(trial.folder.resolve()),
                                        str(setting.data_folder.resolve()), setting.train)
                        for trial in group
                    ]  # fmt: skip
                jobs |= dict(zip(submitted, group, strict=True))
            self._follow(jobs, tracker)
        finally:
            for job in jobs:
                if not job.done():
                    job.cancel(check=False)

    def show(self, trials: Sequence[Trial], setting: Setting) -> str:
        """The sbatch script of each kind of job."""
        import submitit
        from submitit.slurm.slurm import SlurmExecutor

        class Unsent(SlurmExecutor):
            """Writes the script also where Slurm is not installed."""

            @classmethod
            def affinity(cls) -> int:
                return 1

        scripts = []
        for group in _by_width(trials):
            parameters = _parameters(group, setting)
            parameters.pop("cluster", None)
            auto = submitit.AutoExecutor(setting.out / "slurm", cluster="debug")  # knows which names are valid
            _update(auto, parameters)
            slurm = Unsent(setting.out / "slurm")
            own = {name.removeprefix("slurm_"): value for name, value in parameters.items()}
            slurm.update_parameters(**slurm._convert_parameters({_SHARED.get(name, name): value for name, value in own.items()}))
            if len(group) > 1:
                slurm.parameters["map_count"] = len(group)
            scripts.append(f"# {len(group)} trials\n" + slurm._make_submission_file_text(slurm._submitit_command_str, ""))
        return "\n".join(scripts)

    @staticmethod
    def _executor(group: Sequence[Trial], setting: Setting) -> Any:
        import submitit

        parameters = _parameters(group, setting)
        try:
            executor = submitit.AutoExecutor(setting.out / "slurm", cluster=parameters.pop("cluster", "slurm"))
        except RuntimeError as error:
            raise StudyError(f"launcher: 'slurm' cannot be used here: {error}") from None
        _update(executor, parameters)
        return executor

    @staticmethod
    def _follow(jobs: dict[Any, Trial], tracker: Tracker) -> None:
        waiting, running = dict(jobs), {}
        while waiting or running:
            for job, trial in list(waiting.items()):
                if job.done() or job.state.upper() == "RUNNING":
                    running[job] = waiting.pop(job), time.monotonic()
                    tracker.started(trial)
            for job, (trial, began) in list(running.items()):
                if job.done():
                    del running[job]
                    outcome, seconds = _outcome(job, trial), time.monotonic() - began
                    if outcome.failed:
                        trial.record_failure(outcome, seconds)
                    tracker.finished(trial, outcome, seconds)
            time.sleep(_POLL_SECONDS if waiting or running else 0)


_SHARED = {"timeout_min": "time", "mem_gb": "mem", "tasks_per_node": "ntasks_per_node", "name": "job_name"}
_SHARED = {}  # replaced below: submitit converts the shared names itself


def _parameters(group: Sequence[Trial], setting: Setting) -> dict[str, Any]:
    width = group[0].spec.parallel.world_size
    minutes = math.ceil(setting.timeout / 60) + 1 if setting.timeout else _DAY_MINUTES
    return {"name": "studylib", "tasks_per_node": width, "timeout_min": minutes} | setting.options


def _update(executor: Any, parameters: dict[str, Any]) -> None:
    try:
        executor.update_parameters(**parameters)
    except (ValueError, NameError, TypeError) as error:
        raise StudyError(f"launcher_options: {bounded(' '.join(str(error).split()), 400)}") from None


def _by_width(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Trials that need the same number of processes share an array job; the longest come first."""
    groups: dict[int, list[Trial]] = {}
    for trial in sorted(trials, key=lambda trial: -trial.flops):
        groups.setdefault(trial.spec.parallel.world_size, []).append(trial)
    return list(groups.values())
