"""1 / sqrt(step) after warm-up, the same for a run of any length (Vaswani et al. 2017, arXiv 1706.03762, equation 3)."""

from __future__ import annotations

from typing import ClassVar

from studylib.choices.schedule import Schedule

__all__ = ["InverseSqrt"]


class InverseSqrt(Schedule):
    ends_at_final_fraction: ClassVar[bool] = False

    def factor(self, step: int, warmup: int, steps: int) -> float:
        return (max(warmup, 1) / (step + 1)) ** 0.5
