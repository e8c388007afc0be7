"""Interface only so far; the inside follows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from studylib.words import Text


@dataclass(frozen=True)
class PublishedLaw:
    """A published law as draws: for shape (relative loss, slope) where own runs carry nothing. ``source`` names it."""

    source: Text
    terms: np.ndarray = field(repr=False)

    def relative(self, params: float, tokens: float, of: tuple[float, float]) -> np.ndarray:
        """[K] draws of the loss at the target as a share of that at ``of`` (parameters, tokens)."""
        raise NotImplementedError

    def slopes(self, params: float, tokens: float) -> np.ndarray:
        """[K] draws of ``d log(loss) / d log(FLOPs)`` by more tokens, parameters held."""
        raise NotImplementedError

    def slope(self, params: float, tokens: float) -> tuple[float, float, float]:
        """90 % interval and median of `slopes`, as (low, middle, high)."""
        low, middle, high = np.quantile(self.slopes(params, tokens), [0.05, 0.5, 0.95])
        return float(low), float(middle), float(high)


def published_law() -> PublishedLaw:
    """Chinchilla's, refitted (Hoffmann et al. 2022, arXiv 2203.15556; Besiroglu et al. 2024, arXiv 2404.10102)."""
    raise NotImplementedError
