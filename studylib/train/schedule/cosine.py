"""Half a cosine from the peak to ``final_fraction`` of it (Loshchilov and Hutter 2017, arXiv 1608.03983)."""

from __future__ import annotations

import math

from studylib.spec import ScheduleSpec

__all__ = ["cosine"]


def cosine(progress: float, schedule: ScheduleSpec) -> float:
    floor = schedule.final_fraction
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))
