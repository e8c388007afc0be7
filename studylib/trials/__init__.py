"""Running trials: planned, cached by content, side by side, each failure on record.

Names are loaded on first use, so that planning a study needs neither polars nor torch.
"""

from __future__ import annotations

from studylib.lazy import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "cache": ["Task"],
        "speeds": ["median_speeds", "others_meanwhile", "speed_steps", "speed_windows"],
        "waterfall": ["waterfall_frame", "waterfall_steps"],
        "plan": ["plan_steps"],
        "queue": ["Round"],
        "run": ["run_steps", "run_trials"],
        "trunk": ["share_saved", "tokens_trained", "trunk_and_branches"],
        "frame": ["trials_frame"],
    },
)
