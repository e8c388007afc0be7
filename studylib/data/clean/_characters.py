"""The characters of many texts in one array, counted by class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Characters:
    """Code points of all texts, one behind the other.

    Attributes
    ----------
    codes
        uint32 [characters].
    ends
        Behind the last character of each text; int64 [texts].
    lengths
        Characters of each text; int64 [texts].
    """

    def __init__(self, texts: Sequence[str]):
        self.lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        self.ends = np.cumsum(self.lengths)
        self.codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
