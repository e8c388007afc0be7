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
from studylib.files import content_hash, read_json, write_json
from studylib.result import read_result
from studylib.trials.cache import Task

PRODUCTS = ("result.json", "notebook.ipynb", "notebook.html")


# What turns trials into figures and words. A change here makes results old; trials have hashes of their own.
_READING = ("analysis", "ideas", "report", "result.py")


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
        others = sorted(path for path in job.study.glob("*/result.json") if path.parent != job.folder)
        content["others"] = {
            path.parent.name: hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest() for path in others
        }
    return content_hash(content)


@functools.cache
def reading_code() -> str:
    """Hash of the package's code that reads trials."""
    package = Path(__file__).parents[1]
    found = hashlib.blake2b(digest_size=8)
    for path in sorted(path for name in _READING for path in (package / name, *(package / name).rglob("*.py"))):
        if path.suffix == ".py":
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
    trials = [Task.under(job.study, spec) for spec in job.specs]
    if job.params.retry_failed and any(trial.failure() is not None for trial in trials):
        return False
    # A trial whose folder was removed or damaged since is run again.
    return all(trial.state in ("done", "failed") for trial in trials)


def problem_with_result(job: Job) -> str:
    """What is wrong with the notebook's ``result.json``; empty when it is sound."""
    try:
        result = read_result(job.folder)
    except FileNotFoundError:
        return "the notebook ended without writing result.json"
    except (StudyError, ValueError) as error:
        return f"the notebook's result.json is not valid: {error}"
    return "" if result.idea == job.idea.name else f"result.json is of idea {result.idea!r}, not {job.idea.name!r}"
