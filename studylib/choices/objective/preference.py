"""Learn which of two answers is preferred, without a model of the reward: direct preference optimisation (arXiv 2305.18290).

The loss is the mean over the pairs of a step. It asks by how much more likely than under the reference the preferred answer is,
and the other one; the reference is the trial of ``start_from``, whose log-probabilities are a step of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from studylib.choices.objective import Objective
from studylib.choices.objective._layout import continued, halves
from studylib.frozen import Above0, Frozen
from studylib.rows import Batch, Marks, Row

if TYPE_CHECKING:
    from studylib.choices.objective._losses import RowLoss

__all__ = ["Preference"]


class Preference(Objective):
    class Options(Frozen):
        loss: Literal["dpo", "dpo_norm"] = Field(
            default="dpo",
            description="of log-probabilities summed over an answer; dpo_norm: of their mean over its tokens",
        )
        beta: Above0 = Field(default=0.1, description="how dear it is to leave the reference; for dpo_norm about 5")

    options: Options
    masked: ClassVar[bool] = True
    rows: ClassVar = "pairs"
    refers: ClassVar[bool] = True

    def row_loss(self) -> RowLoss:
        from studylib.choices.objective._losses import DPO

        return DPO(self.options.beta, by_length=self.options.loss == "dpo_norm")

    def batch(self, windows_BT: np.ndarray, marks: Marks, seed: int, step: int) -> Batch:
        """Windows as if they were pairs, the second half of each an answer: to measure speed with."""
        return halves(windows_BT)

    def complete(self, left: np.ndarray, middle: np.ndarray, marks: Marks) -> Row:
        return continued(left, middle)
