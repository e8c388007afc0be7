"""A reproducible study of small Japanese GPTs that decides how to build a 10B one."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Loaded on first use: `import studylib` must cost nothing (no torch, no polars).
_HOMES = {
    "TrialSpec": "studylib.spec",
    "ModelSpec": "studylib.spec",
    "DataSpec": "studylib.spec",
    "StudyError": "studylib.errors",
    "load_params": "studylib.params",
    "run_trials": "studylib.trials",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'studylib' has no attribute {name!r}; it offers {', '.join(__all__)}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
