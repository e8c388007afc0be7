"""Predict every token from those before it: the language model of GPT (Radford et al. 2018).

It cannot be shown what comes later, so it has no `infill`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from studylib.choices.objective import Objective

if TYPE_CHECKING:
    import numpy as np

    from studylib.rows import Batch, Marks, Row

__all__ = ["Causal"]


class Causal(Objective):
    """Every token is predicted from all the tokens before it."""

    def batch(self, windows_BT: np.ndarray, marks: Marks, seed: int, step: int) -> Batch:
        """The windows themselves."""
        from studylib.rows import Batch

        return Batch(windows_BT, text_tokens=windows_BT.size)

    def complete(self, left: np.ndarray, middle: np.ndarray, marks: Marks) -> Row:
        from studylib.choices.objective._layout import continued

        return continued(left, middle)
