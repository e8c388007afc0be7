"""Predict every token from those before it: the language model of GPT (Radford et al. 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from studylib.errors import invalid
from studylib.result import Text

if TYPE_CHECKING:
    import numpy as np

    from studylib.data.batch import Batch, Marks, Row

__all__ = ["Causal"]


class Causal:
    about = Text(
        en="Causal: every token is predicted from all the tokens before it.",
        ja="因果言語モデル: すべてのトークンを、それより前のトークンから予測する。",
    )
    prefixes, masked = False, False

    def __init__(self, options: Mapping[str, Any]):
        if options:
            raise invalid("objective.options", dict(options), "is given, but causal takes no options")

    @property
    def used_options(self) -> dict[str, Any]:
        return {}

    def extra_tokens(self, seq_len: int) -> int:
        return 0

    def batch(self, windows_BT: np.ndarray, marks: Marks, seed: int, step: int) -> Batch:
        """The windows themselves."""
        from studylib.data.batch import Batch

        return Batch(windows_BT, text_tokens=windows_BT.size)

    def complete(self, left: np.ndarray, middle: np.ndarray, marks: Marks) -> Row:
        from studylib.data.objective._layout import continued

        return continued(left, middle)

    def infill(self, left: np.ndarray, middle: np.ndarray, right: np.ndarray, marks: Marks) -> Row | None:
        """What comes later cannot be shown to a causal model."""
        return None
