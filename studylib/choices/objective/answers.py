"""Learn the assistant's answers, given what was asked: supervised fine-tuning (Ouyang et al. 2022, arXiv 2203.02155).

Rows are whole conversations. Loss is counted on answers and on the token that ends each, nowhere else, and its mean is over all
tokens learnt in the step, whatever the micro-batches: a mean of means weighs short answers more (open-instruct issue 1728).
Several conversations share a row without seeing each other, each at positions from 0, so where one lies changes nothing of
what it teaches. Windows of plain text, of a source that holds no conversations, are learnt whole, as in pre-training.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from studylib.choices.objective import Objective
from studylib.choices.objective._layout import continued
from studylib.frozen import Frozen, Positive
from studylib.rows import Batch, Marks, Row

__all__ = ["Answers"]


class Answers(Objective):
    class Options(Frozen):
        most_in_row: Positive | None = Field(
            default=None, description="conversations that share a row; none: as many as it holds; 1: each has its own"
        )

    options: Options
    masked: ClassVar[bool] = True
    rows: ClassVar = "conversations"

    @property
    def most_in_row(self) -> int | None:
        return self.options.most_in_row

    def batch(self, windows_BT: np.ndarray, marks: Marks, seed: int, step: int) -> Batch:
        """Windows of plain text, each one text of its own."""
        begin = np.zeros((len(windows_BT), windows_BT.shape[1] - 1), dtype=np.int64) if self.packs else None
        return Batch(windows_BT, windows_BT[:, 1:].copy(), begin_BT=begin, text_tokens=windows_BT.size)

    def complete(self, left: np.ndarray, middle: np.ndarray, marks: Marks) -> Row:
        return continued(left, middle)
