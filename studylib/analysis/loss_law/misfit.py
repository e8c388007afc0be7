"""What losses have beyond any law: a part of a size's own, a part that runs near one another share, and noise.

Log losses about a law are a Gaussian process over (log N, log D): of variance ``own**2`` one draw a size (its shape, its
learning rate: every run of the size has it), of variance 1 a smooth one with a memory of some e-folds (Matérn 3/2), and of variance
``noise**2`` one a run; the scale of all three together is drawn with the law. So ten lengths of one size are not ten
witnesses of what size brings, a fit follows its runs where it is near them, and errs as widely as the law ever did far away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from studylib.analysis.loss_law.projection import project

_MEMORIES = (2.0, 6.0)  # e-folds
_OWN = (0.1, 0.5, 1.5, 4.0)
_NOISE = (0.05, 0.2, 0.7, 2.0)
_LOG_OWN, _LOG_NOISE = (np.log(0.7), 1.2), (np.log(0.3), 1.2)  # priors: mean and sd
_TYPICAL = (2.0, 0.5, 0.5)  # memory, own and noise by which a run is held against its neighbours
_OUTLYING = 3.0  # robust standard deviations
_LEAST_SD = 1e-3  # of log losses: what lies closer is no outlier
_ROUNDING = 1e-9
_SAME_SIZE = 0.01  # e-folds
_EXPONENTS = np.geomspace(0.05, 1.2, 20)


@dataclass(frozen=True)
class Runs:
    """[R] runs about their middle: ``n`` and ``d`` log parameters and tokens, ``y`` log losses; ``middle`` of all three.

    ``outlying``: variance that a run has beyond its noise, in units of the whole misfit's.
    """

    n: np.ndarray
    d: np.ndarray
    y: np.ndarray
    middle: tuple[float, float, float]
    outlying: np.ndarray

    @classmethod
    def of(cls, log_params: np.ndarray, log_tokens: np.ndarray, log_loss: np.ndarray) -> Runs:
        sizes = _snapped(log_params)
        middle = float(sizes.mean()), float(log_tokens.mean()), float(log_loss.mean())
        n, d, y = sizes - middle[0], log_tokens - middle[1], log_loss - middle[2]
        return cls(n, d, y, middle, _outlying(n, d, y))

    def about(self, params: np.ndarray, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logs about the middle; a size that is one of the runs' is exactly that."""
        n = np.log(params) - self.middle[0]
        nearest = self.n[np.abs(self.n - n[:, None]).argmin(axis=1)]
        return np.where(np.abs(nearest - n) < _SAME_SIZE, nearest, n), np.log(tokens) - self.middle[1]


@dataclass(frozen=True)
class Misfit:
    """One setting of the process, with what whitens [R] runs under it; ``log_prior`` of the setting."""

    memory: float
    own: float
    noise: float
    whitens: np.ndarray
    log_det: float
    log_prior: float

    def shared(self, one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """[R, S] covariance of two sets of (n, d), without noise, of a whole variance of 1."""
        return _shared(one, other, self.memory, self.own) / self._whole

    @property
    def of_noise(self) -> float:
        """Share of the noise in the whole variance."""
        return self.noise**2 / self._whole

    @property
    def _whole(self) -> float:
        return 1 + self.own**2 + self.noise**2


def misfits(runs: Runs) -> list[Misfit]:
    """All settings that are weighed against one another."""
    place, found = (runs.n, runs.d), []
    for memory in _MEMORIES:
        for own in _OWN:
            shared = _shared(place, place, memory, own)
            for noise in _NOISE:
                whole = 1 + own**2 + noise**2
                variance = noise**2 / whole + runs.outlying + _ROUNDING
                root = cholesky(shared / whole + np.diag(variance), lower=True)
                whitens = solve_triangular(root, np.eye(len(root)), lower=True)
                log_prior = -0.5 * sum(
                    ((np.log(value) - mean) / sd) ** 2 for value, (mean, sd) in ((own, _LOG_OWN), (noise, _LOG_NOISE))
                )
                found.append(Misfit(memory, own, noise, whitens, float(np.log(np.diag(root)).sum()), log_prior))
    return found


def _shared(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray], memory: float, own: float
) -> np.ndarray:
    by_size, by_tokens = (np.abs(a[:, None] - b) for a, b in zip(one, other, strict=True))
    away = np.sqrt(3) * np.hypot(by_size, by_tokens) / memory
    return (1 + away) * np.exp(-away) + own**2 * (by_size < 1e-9)


def _snapped(log_params: np.ndarray) -> np.ndarray:
    """Sizes that differ by less than 1 % from the next are one: tables round."""
    distinct = np.unique(log_params)
    group = np.cumsum(np.diff(distinct, prepend=distinct[0]) > _SAME_SIZE)
    means = np.bincount(group, distinct) / np.bincount(group)
    return means[group[np.searchsorted(distinct, log_params)]]


def _outlying(n: np.ndarray, d: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What a run lies beyond three robust standard deviations from what its neighbours say, after a robust first fit.

    Huber's loss for correlated errors: such a run (a warm-up that was never over, a divergence) counts as little as it
    lies far out.
    """
    memory, own, noise = _TYPICAL
    whole = 1 + own**2 + noise**2
    inverse = np.linalg.inv(_shared((n, d), (n, d), memory, own) / whole + noise**2 / whole * np.eye(len(n)))
    variance = 1 / np.diag(inverse)  # of a run, given all others
    left = (inverse @ project(n, d, y, _EXPONENTS, robust=True).residuals) * np.sqrt(variance)
    z = left / max(1.4826 * float(np.median(np.abs(left))), _LEAST_SD)
    return np.maximum(z**2 - _OUTLYING**2, 0) * variance
