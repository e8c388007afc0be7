"""Learning-rate schedules. No torch.

A choice is a class derived from ``Schedule``, whose ``factor`` gives the share of the peak learning rate at a step after
warm-up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from studylib.registry import SCHEDULES, Choice

if TYPE_CHECKING:
    from studylib.spec import ScheduleSpec


class Schedule(Choice):
    """The learning rate after the warm-up."""

    ends_at_final_fraction: ClassVar[bool] = True
    """Whether it falls to ``ScheduleSpec.final_fraction`` of the peak."""
    has_stable_part: ClassVar[bool] = False
    """Whether runs of any length have the peak rate from the warm-up to their ``decay_start``, and so may share that part."""

    def __init__(self, spec: ScheduleSpec):
        super().__init__(spec)
        self.spec = spec

    def factor(self, step: int, warmup: int, steps: int) -> float:
        """Share of the peak at ``step``, ``warmup <= step < steps``; the last step is ``steps - 1``."""
        raise NotImplementedError

    def decay_start(self, warmup: int, steps: int) -> int:
        """The first step below the peak rate, for schedules with a stable part."""
        raise NotImplementedError

    @staticmethod
    def progress(step: int, warmup: int, steps: int) -> float:
        """0 at the first step after warm-up, 1 at the last step."""
        return min((step - warmup) / max(steps - 1 - warmup, 1), 1.0)


def warmup_steps(schedule: ScheduleSpec, train_steps: int) -> int:
    """Steps of the linear warm-up: as given, else the fraction of the run."""
    return schedule.warmup_steps or round(schedule.warmup_fraction * train_steps)


def learning_rate_factor(schedule: ScheduleSpec, step: int, train_steps: int) -> float:
    """Share of the peak learning rate at ``step`` (the first is 0): linear warm-up, then the named shape."""
    warmup = warmup_steps(schedule, train_steps)
    if step < warmup:
        return (step + 1) / warmup
    return SCHEDULES[schedule.name](schedule).factor(step, warmup, train_steps)
