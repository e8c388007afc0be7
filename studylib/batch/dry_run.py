"""What can be known before anything is started."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from studylib.batch.jobs import Job
from studylib.batch.marker import is_current
from studylib.registry import LAUNCHERS
from studylib.trials.cache import trials_under
from studylib.trials.launcher import Setting
from studylib.trials.run import still_to_do


def check_text(jobs: Iterable[Job], *, online: bool = True) -> None:
    """Missing files and wrong options of sources show before a kernel starts; text already prepared is let be."""
    for job in jobs:
        for data in {spec.data.hash: spec.data for spec in job.specs}.values():
            if not (job.study / "data" / data.hash / "manifest.json").exists():
                from studylib.data import check_sources

                with contextlib.chdir(job.root):  # where the kernel runs, so what relative paths count from
                    check_sources(data, online=online)


def what_would_start(job: Job) -> str:
    """The notebook, how many trials it would train, and how: for Slurm the sbatch scripts."""
    params = job.params
    if is_current(job):
        return f"{job.idea.name}: up to date"
    trials = trials_under(job.study, job.specs)
    to_do, _ = still_to_do(trials, retry_failed=params.retry_failed)
    setting = Setting(
        job.study, job.study / "data", len(trials), params.workers or None, params.trial_timeout_s or None,
        params.retry_failed, options=params.launcher_options,
    )  # fmt: skip
    title = f"{job.idea.name}: {job.notebook} -> {job.folder}; {len(to_do)} of {len(trials)} trials to do"
    return f"{title}\n{LAUNCHERS[params.launcher]().show(to_do, setting)}"
