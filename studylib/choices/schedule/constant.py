"""The peak rate to the end: the trunk from which cooldowns branch (Hägele et al. 2024, arXiv 2405.18392)."""

from __future__ import annotations

from typing import ClassVar

from studylib.choices.schedule import Schedule

__all__ = ["Constant"]


class Constant(Schedule):
    ends_at_final_fraction: ClassVar[bool] = False

    def factor(self, step: int, warmup: int, steps: int) -> float:
        return 1.0
