"""The script that starts the recipe's run on several nodes of a Slurm cluster, and goes on with it until it is done."""

from __future__ import annotations

import shlex
from pathlib import Path

from studylib.errors import invalid
from studylib.spec import TrialSpec


def sbatch_script(
    spec_file: Path | str, trial: TrialSpec, gpus_per_node: int, *, partition: str = "", account: str = "",
    hours: float = 24.0, cpus_per_gpu: int = 8, signal_minutes: float = 3.0, max_requeues: int = 100, out: str = "run",
    name: str = "studylib",
) -> str:  # fmt: skip
    """A bash script for ``sbatch`` that trains ``trial``, whose specification is ``spec_file``, into the folder ``out``.

    It names no machine: ``spec_file`` and ``out`` may be relative to the folder it is submitted from. The same script started
    again goes on from the last checkpoint, and it asks for that itself shortly before its time is up.

    Parameters
    ----------
    spec_file
        As the script is to name it; it must hold ``trial``.
    gpus_per_node
        Processes that a node has room for; the number of nodes follows.
    partition, account
        Left out, the script has a line for each that is to be filled in where the cluster asks for it.
    hours
        Limit of one job; the run may take many of them.
    signal_minutes
        How long before the limit the job asks to be requeued.
    max_requeues
        After so many the job ends, and waits for a person.

    Raises
    ------
    StudyError
        The trial keeps no checkpoints to go on from, or a number is out of range.
    """
    raise NotImplementedError
