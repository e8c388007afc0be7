"""Where the checkpoints of a trial lie and which of them are there; planning asks, so without torch."""

from __future__ import annotations

from pathlib import Path

from studylib.spec import TrialSpec


def checkpoint_folder(trial: Path, step: int) -> Path:
    """That of the checkpoint after ``step`` finished steps of the trial in folder ``trial``."""
    return trial / "checkpoints" / f"step-{step:08d}"


def checkpoints(folder: Path) -> list[Path]:
    """Finished checkpoints, oldest first; ``folder``: a trial's ``checkpoints``."""
    return sorted(path for path in folder.glob("step-*") if path.name[5:].isdigit())


def finished_steps(checkpoint: Path) -> int:
    """After how many steps it was written."""
    return int(checkpoint.name[5:])


def missing_checkpoints(spec: TrialSpec, trial: Path) -> list[int]:
    """Finished steps whose checkpoints the trial is to keep in folder ``trial`` and that are not there, in their order.

    A trial that nobody read may have kept none, or others.
    """
    return [step for step in spec.kept_steps if not checkpoint_folder(trial, step).is_dir()]
