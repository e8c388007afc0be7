"""A published law of the loss, for its shape where own runs carry nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from studylib.analysis.loss_law.forms import FORMS
from studylib.words import Text

_DRAWS = 2000
# E, A, B, a, b of Besiroglu et al. 2024 (arXiv 2404.10102), who read the runs off a figure of Hoffmann et al. (2203.15556).
_LEVEL, _OF_SIZE, _OF_TOKENS, _A, _B = 1.8172, 482.01, 2085.43, 0.3478, 0.3658
_MIDDLE = (8.283e8, 1.806e10)  # parameters and tokens of those runs, geometric means
# Covariance of the logs of E, A N^-a, B D^-b there, a and b: of the additive form here, fitted to the 234 runs in
# github.com/kyo-takano/chinchilla (75e5858f, examples/llm/df.csv, Apache-2.0). The published standard errors (0.02 of a and of
# b, 0.03 of E) take the runs' errors for independent of one another; these are twice as wide.
_COVARIANCE = np.array(
    [
        [0.003716, -0.005540, -0.010283, 0.004141, 0.007660],
        [-0.005540, 0.029842, 0.000464, -0.020884, -0.001217],
        [-0.010283, 0.000464, 0.043751, -0.001617, -0.031832],
        [0.004141, -0.020884, -0.001617, 0.016288, 0.001714],
        [0.007660, -0.001217, -0.031832, 0.001714, 0.025038],
    ]
)
SOURCE = Text(
    en="Chinchilla's law (arXiv 2203.15556) as refitted in arXiv 2404.10102: English web text, 57M to 16B parameters",
    ja="Chinchilla の法則(arXiv 2203.15556)を arXiv 2404.10102 が当てはめ直したもの:英語ウェブ文章、57M〜16B パラメータ",
)


@dataclass(frozen=True)
class PublishedLaw:
    """A published law as [K, 5] draws of its terms about ``middle``; what differs with the text and its tokens (the level) is not for use.

    ``params`` are all parameters.
    """

    source: Text
    middle: tuple[float, float]
    terms: np.ndarray = field(repr=False)

    def relative(self, params: float, tokens: float, of: tuple[float, float]) -> np.ndarray:
        """[K] draws of the loss at the target as a share of that at ``of`` (parameters, tokens)."""
        there, here = (self._at(*place, FORMS["additive"].log_loss) for place in ((params, tokens), of))
        return np.exp(there - here)

    def slopes(self, params: float, tokens: float) -> np.ndarray:
        """[K] draws of ``d log(loss) / d log(FLOPs)`` by more tokens, parameters held."""
        return self._at(params, tokens, FORMS["additive"].slope)

    def slope(self, params: float, tokens: float) -> tuple[float, float, float]:
        """90 % interval and median of `slopes`, as (low, middle, high)."""
        low, middle, high = np.quantile(self.slopes(params, tokens), [0.05, 0.5, 0.95])
        return float(low), float(middle), float(high)

    def _at(self, params: float, tokens: float, what: Callable[..., np.ndarray]) -> np.ndarray:
        n, d = (np.array([np.log(one / centre)]) for one, centre in zip((params, tokens), self.middle, strict=True))
        return what(self.terms, n, d)[:, 0]


def published_law() -> PublishedLaw:
    """Chinchilla's, refitted."""
    params, tokens = _MIDDLE
    mean = np.log([_LEVEL, _OF_SIZE * params**-_A, _OF_TOKENS * tokens**-_B, _A, _B])
    return PublishedLaw(SOURCE, _MIDDLE, np.random.default_rng(0).multivariate_normal(mean, _COVARIANCE, _DRAWS))
