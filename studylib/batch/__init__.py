"""Running notebooks: each in a session of its own under papermill, watched, and judged by the result it leaves."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "Job": "studylib.batch.jobs",
    "choose_jobs": "studylib.batch.jobs",
    "run_study": "studylib.batch.run",
    "study_status": "studylib.batch.status",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'studylib.batch' has no attribute {name!r}; it offers {', '.join(__all__)}")
