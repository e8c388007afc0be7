"""Half a cosine from the peak to ``final_fraction`` of it (Loshchilov and Hutter 2017, arXiv 1608.03983)."""

from __future__ import annotations

import math

from studylib.choices.schedule import Schedule

__all__ = ["Cosine"]


class Cosine(Schedule):
    def factor(self, step: int, warmup: int, steps: int) -> float:
        floor = self.spec.final_fraction
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * self.progress(step, warmup, steps)))
