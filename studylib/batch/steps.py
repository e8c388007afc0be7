"""The steps of all ideas of a run, in one queue: no idea waits for another's slowest trial."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from studylib.batch.jobs import Job
from studylib.batch.marker import is_current
from studylib.errors import StudyError
from studylib.files import canonical_json


def carry_out_steps(jobs: Sequence[Job]) -> None:
    """Do what the notebooks will ask for, so that each finds all its steps done.

    What goes wrong is on record, and the notebook that needs it says so. Jobs that are launched differently (another launcher,
    another study folder) have a queue each, one after the other. The rounds of an idea that reads the others' results are left to
    its notebook: those results are made by then.
    """
    from studylib.trials.run import run_steps

    groups: dict[str, list[Job]] = {}
    for job in jobs:
        if not is_current(job):
            groups.setdefault(canonical_json(job.params.launch | {"out": str(job.study)}), []).append(job)
    for group in groups.values():
        steps = [step for job in group for step in job.steps]
        rounds = [one for job in group if not job.idea.after_all for one in job.idea.rounds(job.params)]
        # Its own notebook will say that its text cannot be read.
        with contextlib.chdir(group[0].root), contextlib.suppress(StudyError):
            run_steps(steps, rounds=rounds, **group[0].params.launch)
