"""What a study folder holds, from its files alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studylib.batch.display import EventFile
from studylib.batch.marker import read_marker
from studylib.errors import StudyError
from studylib.files import file_lock, read_json
from studylib.registry import STEPS
from studylib.result import read_result
from studylib.spec import TrialSpec
from studylib.trials.cache import Task


@dataclass(frozen=True)
class StudyStatus:
    """``ideas``: one row each (idea, status, verdict or message, counts). ``trials``: how many are in which state.
    ``failures``: one row a failed trial, or other step (trial, label, status, message)."""

    folder: Path
    ideas: list[dict[str, Any]]
    trials: dict[str, int]
    failures: list[dict[str, str]]

    def as_json(self) -> dict[str, Any]:
        return {"folder": str(self.folder), "ideas": self.ideas, "trials": self.trials, "failures": self.failures}


def study_status(folder: Path) -> StudyStatus:
    """Read a study folder.

    Raises
    ------
    StudyError
        There is no such folder, or it holds no study.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise StudyError(f"{folder}: there is no such study folder; 'study run' makes one")
    ideas = [_idea(path.parent) for path in sorted(folder.glob("*/run.json"))]
    counts = dict.fromkeys(("done", "failed", "running", "to do"), 0)
    failures = []
    for kind in (one for one in STEPS.values() if one.keeps_failures):
        for place in sorted(path for path in folder.glob(f"{kind.specification.folder}/*") if path.is_dir()):
            # Only the folder's files decide; the specification is not needed, so a damaged one does no harm.
            task = Task(None, place, kind)  # type: ignore[arg-type]
            state, is_trial = task.state, kind.specification is TrialSpec
            if is_trial:
                counts[state] += 1
            if state == "failed":
                failure = task.failure()
                name, label = (place.name, _label(place)) if is_trial else (f"{place.parent.name}/{place.name}", "")
                failures.append({"trial": name, "label": label, "status": failure.status, "message": failure.message})
    if not ideas and not any(counts.values()):
        raise StudyError(f"{folder}: holds no study: neither ideas nor trials")
    return StudyStatus(folder, ideas, counts, failures)


def _idea(folder: Path) -> dict[str, Any]:
    marker = read_marker(folder)
    status, message = marker.get("status", "unknown"), marker.get("message", "")
    if status == "running":
        with file_lock(folder / ".lock", blocking=False) as nobody_there:
            if nobody_there:
                status, message = "stopped", "ended before it was finished; run it again"
    if status == "done":
        try:
            message = read_result(folder).verdict.en
        except (StudyError, FileNotFoundError, ValueError) as error:
            status, message = "damaged", str(error)
    events = EventFile(folder / "progress.jsonl").new()
    return {
        "idea": folder.name,
        "status": status,
        "message": message,
        "counts": events[-1]["counts"] if events else None,
    }


def _label(folder: Path) -> str:
    try:
        return TrialSpec.model_validate(read_json(folder / "spec.json")).label
    except (OSError, ValueError):  # died before it was written, or made by another version: the hash must do
        return folder.name
