"""What people read: figures, notebook pages and the study's HTML report.

Names load on first use: nothing heavy is imported before a figure is drawn or a page is written.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "theme": "figures.style",
    "save": "figures.style",
    "show": "figures.style",
    "valley": "figures.valley",
    "Quantity": "figures.valley",
    "chars_per_token": "figures.tokenizers",
    "optimum_against_size": "figures.valley",
    "learning_curves": "figures.curves",
    "forest": "figures.bars",
    "learning_rates": "figures.rates",
    "p_best": "figures.bars",
    "stage_curves": "figures.stages",
    "saved_tokens": "figures.transfer",
    "facts": "figures.transfer",
    "loss_by_position": "figures.transfer",
    "dose": "figures.transfer",
    "throughput": "figures.bars",
    "metrics_rows": "summary",
    "failures": "summary",
    "provenance": "summary",
    "save_trials": "summary",
    "notebook_html": "notebook",
    "build_report": "build",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"studylib.report.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'studylib.report' has no attribute {name!r}; it offers {', '.join(__all__)}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
