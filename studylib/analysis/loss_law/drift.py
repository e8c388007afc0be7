"""How far a law drifts beyond what it was fitted to: a random walk over log parameters and log tokens."""

from __future__ import annotations

import numpy as np

# Of the log loss over one e-fold. The public ladders' forecasts are sharpest with 0.004; 0.002 to 0.006 are nearly as good.
_DRIFT, _WIDTH = 0.004, 0.5  # prior: median, and sd of the log
_GRID = np.geomspace(_DRIFT / 5, _DRIFT * 5, 15)
_COUNTED = 2.0  # runs: all that one fit missed, it missed together
_DOF = 4.0


def distance(params: np.ndarray, tokens: np.ndarray, largest: tuple[float, float]) -> np.ndarray:
    """[T] e-folds beyond the largest parameters and tokens."""
    beyond = (np.maximum(np.log(one / most), 0) for one, most in zip((params, tokens), largest, strict=True))
    return np.hypot(*beyond)


def log_odds(
    errors: np.ndarray | None = None, variance: np.ndarray | None = None, away: np.ndarray | None = None
) -> np.ndarray:
    """[G] log odds of the drifts on the grid: of the prior, or what one fit's errors [T] say at distances ``away``.

    ``variance`` [T]: of the log losses, as predicted without drift.
    """
    if errors is None:
        return -0.5 * (np.log(_GRID / _DRIFT) / _WIDTH) ** 2
    total = variance + _GRID[:, None] ** 2 * away
    # Of a t: a run that went wrong is no drift.
    return -0.5 * _COUNTED * (np.log(total) + (_DOF + 1) * np.log1p(errors**2 / total / _DOF)).mean(axis=1)


def drawn_drifts(log_odds: np.ndarray, draws: int) -> np.ndarray:
    """[draws] from the grid."""
    weight = np.exp(log_odds - log_odds.max())
    return np.random.default_rng(0).choice(_GRID, draws, p=weight / weight.sum())
