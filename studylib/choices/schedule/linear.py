"""A straight line from the peak to ``final_fraction`` of it (to zero: Bergsma et al. 2025, arXiv 2502.15938)."""

from __future__ import annotations

from studylib.choices.schedule import Schedule

__all__ = ["Linear"]


class Linear(Schedule):
    def factor(self, step: int, warmup: int, steps: int) -> float:
        return 1.0 + (self.spec.final_fraction - 1.0) * self.progress(step, warmup, steps)
