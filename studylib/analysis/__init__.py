"""From trials to a decision: paired statistics, fits, and what they can and cannot carry.

No torch here. Names load on first use, so importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "read_curves": "curves",
    "NoiseFloor": "paired",
    "noise_floor": "paired",
    "minimum_detectable_effect": "paired",
    "seeds_needed": "paired",
    "compare_to_baseline": "paired",
    "holm": "paired",
    "estimate": "paired",
    "Decision": "decision",
    "decide": "decision",
    "NextRun": "next_run",
    "Slope": "equalise",
    "token_slope": "equalise",
    "memory_slope": "equalise",
    "at_equal_flops": "equalise",
    "at_equal_seconds": "equalise",
    "at_equal_memory": "equalise",
    "three_decisions": "accounting",
    "TokensSaved": "transfer",
    "tokens_saved": "transfer",
    "ladder_slope": "transfer",
    "at_equal_target_tokens": "transfer",
    "forgetting": "transfer",
    "best_ratio": "transfer",
    "read_facts": "probes",
    "read_positions": "probes",
    "BasinFit": "basin",
    "fit_basin": "basin",
    "OptimumScaling": "scaling",
    "fit_optimum_scaling": "scaling",
    "BuildableShape": "shape",
    "buildable_shape": "shape",
    "LossLaw": "loss_law",
    "fit_loss_law": "loss_law",
    "score": "anchors",
    "outcome": "anchors",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"studylib.analysis.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'studylib.analysis' has no attribute {name!r}; it offers {', '.join(__all__)}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
