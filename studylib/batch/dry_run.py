"""What can be known before anything is started."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

from studylib.batch.jobs import Job
from studylib.batch.marker import is_current
from studylib.registry import LAUNCHERS
from studylib.spec import DataSpec, EvaluationSpec, TokenizerSpec
from studylib.trials.cache import tasks_under
from studylib.trials.launcher import Setting
from studylib.trials.run import still_to_do

_LOOK_BYTES = 60_000_000  # of text that a plan reads: 0.6 seconds


def read_text(jobs: Iterable[Job], say: Callable[[str], None]) -> None:
    """Read all text that trials still to be trained need, and what they are asked, before a kernel starts; preparing finds it read.

    Text that was prepared is compared with its files.

    Raises
    ------
    StudyError
        Missing files, wrong options, bad text, or text that changed since trials were made from it.
    """
    for job in jobs:
        _check_questions(job)
        folder = job.study / "data"
        asked = {step.name for step in job.steps}
        to_do, _ = still_to_do(tasks_under(job.study, job.steps), asked, retry_failed=job.params.retry_failed)
        waiting = {task.hash for task in to_do if isinstance(task.step, DataSpec)}
        for data in _data_of(job):
            from studylib.data import check_sources, read_sources

            with contextlib.chdir(job.root):  # where the kernel runs, so what relative paths count from
                prepared = (folder / data.hash / "manifest.json").exists()
                if data.hash in waiting and not prepared:
                    check_sources(data)
                if data.hash in waiting or prepared:
                    read_sources(data, folder, progress=say)


def look_at_text(jobs: Iterable[Job]) -> dict[str, list[str]]:
    """As `read_text`, but at once: servers are not asked, and of large files only parts are read.

    Returns, by the idea, a line about each part of its text that was not looked at.
    """
    from studylib.data.digest import Allowance

    allowance = Allowance(_LOOK_BYTES)
    checked: dict[str, list[str]] = {}
    texts: dict[str, list[str]] = {}  # an idea may read one of them in several data
    unread: dict[str, list[str]] = {}
    for job in jobs:
        _check_questions(job)
        folder, lines = job.study / "data", []
        for data in _data_of(job):
            from studylib.data import check_sources, look_at_changes, look_at_sources

            with contextlib.chdir(job.root):
                changes = look_at_changes(data, folder, allowance)
                if changes is not None:
                    lines += changes
                    continue
                # Several tokenizers of one text are several data.
                text = data.replace(tokenizer=TokenizerSpec(), tokenizer_of=None, added_pieces=0)
                if text.hash not in checked:
                    check_sources(data, online=False)
                    checked[text.hash] = look_at_sources(data, allowance, texts)
                lines += checked[text.hash]
        unread[job.idea.name] = list(dict.fromkeys(lines))
    return unread


def _check_questions(job: Job) -> None:
    """StudyError for a file of questions that is not there or is another benchmark's."""
    # Of the same questions to many models the first evaluation answers for all.
    asked = {one.asked: one for one in job.steps if isinstance(one, EvaluationSpec)}
    with contextlib.chdir(job.root):
        for one in asked.values():
            one.built().check()


def _data_of(job: Job) -> list[DataSpec]:
    return list({spec.data.hash: spec.data for spec in job.specs}.values())


def what_would_start(job: Job) -> str:
    """The notebook, how many trials it would train, and how: for Slurm the sbatch scripts."""
    params = job.params
    if is_current(job):
        return f"{job.idea.name}: up to date"
    tasks = tasks_under(job.study, job.steps)
    asked = {spec.name for spec in job.specs}
    to_do, _ = still_to_do(tasks, asked, retry_failed=params.retry_failed)
    setting = Setting(
        job.study, len(asked), params.workers or None, params.trial_timeout_s or None, params.retry_failed,
        options=params.launcher_options,
    )  # fmt: skip
    trials = sum(task.name in asked for task in to_do)
    title = f"{job.idea.name}: {job.notebook} -> {job.folder}; {trials} of {len(asked)} trials to do"
    return f"{title}\n{LAUNCHERS[params.launcher]().show(to_do, setting)}"
