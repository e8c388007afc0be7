"""Running trials: planned, cached by content, side by side, each failure on record.

Names are loaded on first use, so that planning a study needs neither polars nor torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "Trial": "studylib.trials.cache",
    "measure_throughput": "studylib.trials.throughput",
    "measure_staged_throughput": "studylib.trials.throughput",
    "plan_trials": "studylib.trials.plan",
    "run_trials": "studylib.trials.run",
    "trials_frame": "studylib.trials.frame",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'studylib.trials' has no attribute {name!r}; it offers {', '.join(__all__)}")
