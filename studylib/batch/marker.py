"""``DIR/<idea>/run.json``: what the results in that folder were made from, and how the last run ended."""

from __future__ import annotations

import functools
import hashlib
import json
import time
from pathlib import Path
from typing import Any

from studylib.batch.jobs import Job
from studylib.errors import StudyError
from studylib.files import content_hash, digest_of_state, read_json, write_json
from studylib.result import read_result
from studylib.spec import TrialSpec
from studylib.trials.plan import known_tasks

PRODUCTS = ("result.json", "notebook.ipynb", "notebook.html")


# What turns trials into figures and words. A change here makes results old; trials have hashes of their own.
_READING = ("analysis", "findings", "ideas", "ladders", "recipe", "report", "result.py")
_READ = (".py", ".json", ".yaml")  # published results lie beside the code that reads them


def job_key(job: Job) -> str:
    """Changes when the parameters, the notebook's cells, the set of trials or the code that reads them do; for an idea
    that reads the others' results, also when those do."""
    cells = json.loads(job.notebook.read_text(encoding="utf-8"))["cells"]
    content = {
        "params": job.params.content(),
        "notebook": [[cell["cell_type"], "".join(cell["source"])] for cell in cells],
        "trials": sorted({spec.hash for spec in job.specs}),
        "code": reading_code(),
    }
    if job.idea.after_all:
        content["others"] = _others(job)
    return content_hash(content)


def _others(job: Job) -> dict[str, str]:
    """By idea what its result is, or how its last run ended where there is none."""
    folders = sorted(path.parent for path in job.study.glob("*/run.json") if path.parent != job.folder)
    found = {folder.name: str(read_marker(folder).get("status", "")) for folder in folders}
    for path in sorted(job.study.glob("*/result.json")):
        if path.parent != job.folder:
            found[path.parent.name] = digest_of_state(path)
    return found


@functools.cache
def reading_code() -> str:
    """Hash of the package's code that reads trials."""
    package = Path(__file__).parents[1]
    found = hashlib.blake2b(digest_size=8)
    for path in sorted(path for name in _READING for path in (package / name, *(package / name).rglob("*"))):
        if path.suffix in _READ:
            found.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def read_marker(folder: Path) -> dict[str, Any]:
    """The marker's content; empty when there is none or it is damaged (then the idea is simply run again)."""
    try:
        content = read_json(folder / "run.json")
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_marker(folder: Path, status: str, **more: Any) -> None:
    write_json(folder / "run.json", {"status": status, "at": time.time(), **more})


def is_current(job: Job) -> bool:
    """Whether the folder holds everything that running the job would make."""
    marker = read_marker(job.folder)
    if marker.get("status") != "done" or marker.get("key") != job_key(job):
        return False
    if not all((job.folder / name).exists() for name in PRODUCTS) or problem_with_result(job):
        return False
    asked, tasks, still_open = known_tasks(job.steps, job.study, job.idea.rounds(job.params))
    trials = [task for task in tasks if isinstance(task.step, TrialSpec) and task.name in asked]
    if job.params.retry_failed and any(trial.failure() is not None for trial in trials):
        return False
    # A trial whose folder was removed or damaged since is run again.
    return not still_open and all(trial.state in ("done", "failed") for trial in trials)


def problem_with_result(job: Job) -> str:
    """What is wrong with the notebook's ``result.json``; empty when it is sound."""
    try:
        result = read_result(job.folder)
    except FileNotFoundError:
        return "the notebook ended without writing result.json"
    except (StudyError, ValueError) as error:
        return f"the notebook's result.json is not valid: {error}"
    return "" if result.idea == job.idea.name else f"result.json is of idea {result.idea!r}, not {job.idea.name!r}"
