"""A reward model: which of two answers is preferred, by a number for each (Ouyang et al. 2022, arXiv 2203.02155, section 3.5).

The reward of an answer is the logit of the piece ``<pad>`` where its end is read. That piece is in no text and never predicted, so
it needs no parameter of its own; of a model exported for ``AutoModelForSequenceClassification`` its row is ``score``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from studylib.choices.objective import Objective
from studylib.choices.objective._layout import continued, halves
from studylib.rows import Batch, Marks, Row

if TYPE_CHECKING:
    from studylib.choices.objective._losses import RowLoss

__all__ = ["Reward"]


class Reward(Objective):
    masked: ClassVar[bool] = True
    rows: ClassVar = "pairs"

    def row_loss(self) -> RowLoss:
        from studylib.choices.objective._losses import BradleyTerry

        return BradleyTerry()

    def batch(self, windows_BT: np.ndarray, marks: Marks, seed: int, step: int) -> Batch:
        """Windows as if they were pairs, the second half of each an answer: to measure speed with."""
        return halves(windows_BT)

    def complete(self, left: np.ndarray, middle: np.ndarray, marks: Marks) -> Row:
        return continued(left, middle)
