"""Learning-rate schedules.

A choice is a function ``factor(progress, schedule) -> float``: the share of the peak learning rate after
warm-up, for ``progress`` from 0 (warm-up over) to 1 (last step).
"""

from __future__ import annotations

from studylib.registry import SCHEDULES
from studylib.spec import ScheduleSpec


def learning_rate_factor(schedule: ScheduleSpec, step: int, train_steps: int) -> float:
    """Share of the peak learning rate at ``step`` (the first is 0): linear warm-up, then the named shape."""
    warmup = round(schedule.warmup_fraction * train_steps)
    if step < warmup:
        return (step + 1) / warmup
    remaining = max(train_steps - 1 - warmup, 1)
    return SCHEDULES[schedule.name](min((step - warmup) / remaining, 1.0), schedule)
