"""Prefix language model: a random first part is read both ways, the rest is predicted.

Liu et al. 2018 (arXiv 1801.10198); as pre-training from scratch, Raffel et al. 2020 (arXiv 1910.10683, section 3.2.1) and
Wang et al. 2022 (arXiv 2204.05832): the border is drawn uniformly, loss is counted on the second part only. What is
read both ways ends where the predicted part begins: the other side cannot be shown, so it has no `infill`.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import model_validator

from studylib.choices.objective import Objective
from studylib.choices.objective._layout import continued
from studylib.errors import invalid
from studylib.frozen import Fraction, Frozen
from studylib.rows import Batch, Marks, Row, drawing, stack

__all__ = ["PrefixLM"]


class PrefixLM(Objective):
    """Options: ``shortest`` and ``longest`` prefix, as shares of the row; at least one token is read and one predicted."""

    class Options(Frozen):
        shortest: Fraction = 0.0
        longest: Fraction = 1.0

        @model_validator(mode="after")
        def _in_order(self) -> Self:
            if self.shortest > self.longest:
                raise invalid("shortest", self.shortest, f"is more than longest {self.longest}; give shares of the row")
            return self

    options: Options
    prefixes, masked = True, True

    def batch(self, windows_BT: np.ndarray, marks: Marks, seed: int, step: int) -> Batch:
        """The windows themselves, with a border each: nothing is left out and nothing put in."""
        seq_len = windows_BT.shape[1] - 1
        least = min(max(round(self.options.shortest * seq_len), 1), seq_len)
        most = min(max(round(self.options.longest * seq_len), 1), seq_len)
        rows = []
        for number, window in enumerate(windows_BT):
            border = int(drawing(seed, step, number).integers(least, most + 1))
            rows.append((window, border, border))
        return stack(rows, seq_len + 1, marks.pad, windows_BT.size)

    def complete(self, left: np.ndarray, middle: np.ndarray, marks: Marks) -> Row:
        return continued(left, middle, prefix=True)
