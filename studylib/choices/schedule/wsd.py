"""Warm-up, stable, decay: the peak rate, then a cooldown over the run's last ``decay_fraction`` (Hu et al. 2024, arXiv
2404.06395), in a straight line or as 1 - sqrt (Hägele et al. 2024, arXiv 2405.18392, section 4: a little better).

The last step has ``final_fraction`` of the peak. Before the cooldown every length of run has the same rates, so runs that
warm up over the same ``warmup_steps`` may share that part: see ``studylib/trials/trunk.py``.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from studylib.choices.schedule import Schedule
from studylib.frozen import Fraction, Frozen

__all__ = ["WSD"]


class WSD(Schedule):
    class Options(Frozen):
        decay_fraction: Annotated[Fraction, Field(gt=0)] = Field(default=0.2, description="of the run, at its end")
        decay_shape: Literal["linear", "1-sqrt"] = "1-sqrt"

    options: Options
    has_stable_part: ClassVar[bool] = True

    def decay_start(self, warmup: int, steps: int) -> int:
        return max(steps - max(round(self.options.decay_fraction * steps), 1), warmup)

    def factor(self, step: int, warmup: int, steps: int) -> float:
        start = self.decay_start(warmup, steps)
        if step < start:
            return 1.0
        done = (step - start + 1) / (steps - start)
        left = 1.0 - (done**0.5 if self.options.decay_shape == "1-sqrt" else done)
        return self.spec.final_fraction + (1.0 - self.spec.final_fraction) * left
