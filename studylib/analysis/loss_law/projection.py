"""Variable projection: of ``E + A N^-a + B D^-b`` only a and b are searched for, as E, A and B follow from them.

The law is linear in E, A and B, so at each point of a grid over a and b they are non-negative least squares of relative errors
(arXiv 2603.22339): no start value, no optimiser that may stop early (as Hoffmann et al.'s did, arXiv 2404.10102).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

_HUBER = 1.345  # robust standard deviations: 95 % as good as least squares where noise is normal
_REWEIGHTED = 6
_LEAST_SD = 1e-6  # of relative errors: smaller ones are arithmetic


@dataclass(frozen=True)
class Projected:
    """``loss = E + A exp(-a n) + B exp(-b d)``: ``terms`` are (E, A, B), ``residuals`` [R] log of fitted over measured loss."""

    a: float
    b: float
    terms: np.ndarray
    residuals: np.ndarray

    def log_loss(self, n: np.ndarray, d: np.ndarray) -> np.ndarray:
        level, of_size, of_tokens = self.terms
        return np.log(level + of_size * np.exp(-self.a * n) + of_tokens * np.exp(-self.b * d))


def project(n: np.ndarray, d: np.ndarray, log_loss: np.ndarray, exponents: np.ndarray, *, robust: bool) -> Projected:
    """Fit to [R] runs at logs ``n`` and ``d`` of parameters and tokens about a middle.

    Parameters
    ----------
    exponents
        Values of a and of b that are tried.
    robust
        Huber's loss of the relative errors, in robust standard deviations; else their squares.
    """
    a, b = (one.ravel() for one in np.meshgrid(exponents, exponents, indexing="ij"))
    columns = np.stack([np.ones((len(a), len(n))), np.exp(-a[:, None] * n), np.exp(-b[:, None] * d)], axis=-1)
    columns /= np.exp(log_loss)[:, None]
    weights = np.ones((len(a), len(n)))
    terms = _non_negative(columns, weights)
    for _ in range(_REWEIGHTED if robust else 0):
        away = np.abs(_errors(columns, terms))
        sd = 1.4826 * np.median(away, axis=1, keepdims=True) + _LEAST_SD
        weights = 1 / np.maximum(1, away / (_HUBER * sd))
        terms = _non_negative(columns, weights)
    errors = _errors(columns, terms)
    if robust:
        z = np.abs(errors) / (1.4826 * np.median(np.abs(errors), axis=1).min() + _LEAST_SD)
        cost = np.where(z < _HUBER, z**2 / 2, _HUBER * z - _HUBER**2 / 2).sum(axis=1)
    else:
        cost = (errors**2).sum(axis=1)
    best = int(cost.argmin())
    return Projected(float(a[best]), float(b[best]), terms[best], np.log1p(np.maximum(errors[best], -0.99)))


def plain(n: np.ndarray, d: np.ndarray, log_loss: np.ndarray) -> Projected:
    """What a fit without an error is: least squares over a fine grid; to compare with."""
    return project(n, d, log_loss, np.geomspace(0.03, 1.2, 40), robust=False)


def _errors(columns: np.ndarray, terms: np.ndarray) -> np.ndarray:
    return np.einsum("grc,gc->gr", columns, terms) - 1


def _non_negative(columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[G, C] weighted non-negative least squares of 1 on [G, R, C]: the best of all subsets of so few columns."""
    weighted = columns * weights[:, :, None]
    square, right = np.swapaxes(weighted, 1, 2) @ columns, weighted.sum(axis=1)
    scale = 1e-13 * np.trace(square, axis1=1, axis2=2)[:, None, None]
    best, found = np.full(len(columns), -np.inf), np.zeros(right.shape)
    for count in range(1, columns.shape[2] + 1):
        for chosen in combinations(range(columns.shape[2]), count):
            own = list(chosen)
            part = square[:, own][:, :, own]
            terms = np.linalg.solve(part + scale * np.eye(count), right[:, own, None])[:, :, 0]
            gain = 2 * (terms * right[:, own]).sum(axis=1) - np.einsum("gi,gij,gj->g", terms, part, terms)
            better = (terms >= 0).all(axis=1) & (gain > best)
            best = np.where(better, gain, best)
            full = np.zeros(right.shape)
            full[:, own] = terms
            found = np.where(better[:, None], full, found)
    return found
