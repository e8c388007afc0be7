"""The posterior of one form of the law, given runs: terms of the law and the scale of what lies beside it, as draws.

At every setting of the misfit a damped Gauss-Newton fit finds the mode of the terms, the scale being averaged over (normal losses
then have the tails of a t), and weighted draws about the modes make up for what is not normal. The settings are weighed
by their evidence (Laplace).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

from studylib.analysis.loss_law.forms import Form
from studylib.analysis.loss_law.misfit import Misfit, Runs

# Scale of the misfit: public ladders lie 0.1 to 1 % off their laws; counted as three runs.
_SCALE, _COUNTED = 0.003, 3.0
_KEPT = 10  # settings with the most evidence
_TRIED, _DOF, _WIDER = 3, 5, 1.1  # draws tried for each kept; of a t, wider than the Laplace fit
_STEPS, _ENOUGH = 40, 0.01
_BOUNDS = (-12.0, 8.0)  # of terms, which are logs


@dataclass(frozen=True)
class _Draws:
    """[k] draws under one setting of the misfit: ``terms`` [k, P], whitened ``residuals`` [R, k], ``scale`` [k]."""

    misfit: Misfit
    terms: np.ndarray
    residuals: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True)
class LossLaw:
    """One form fitted to runs, as [K] draws."""

    form: Form
    runs: Runs
    parts: tuple[_Draws, ...] = field(repr=False)

    def predict(
        self, params: np.ndarray, tokens: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """[K, T] draws of the log loss of a run at [T] targets, and of ``d log(loss) / d log(tokens)`` there.

        What lies beside the law is drawn once for all targets of a draw, as far as each is free of the runs.
        """
        n, d = self.runs.about(params, tokens)
        losses, slopes = [], []
        for one in self.parts:
            mean, covariance = self._given(one, n, d)
            away = generator.standard_normal((2, len(one.terms), 1))
            free = np.sqrt(np.maximum(np.diag(covariance), 0)) * away[0]
            beyond = generator.choice(self.runs.outlying, (len(one.terms), 1))  # as often as among the runs
            noise = np.sqrt(one.misfit.of_noise + beyond) * away[1]
            losses.append(mean + one.scale[:, None] * (free + noise))
            slopes.append(self.form.slope(one.terms, n, d))
        return np.concatenate(losses) + self.runs.middle[2], np.concatenate(slopes)

    def log_score(self, params: np.ndarray, tokens: np.ndarray, log_loss: np.ndarray) -> float:
        """Log probability density of the losses of other runs, all together."""
        n, d = self.runs.about(params, tokens)
        y, scores = log_loss - self.runs.middle[2], []
        for one in self.parts:
            mean, covariance = self._given(one, n, d)
            root = np.linalg.cholesky(covariance + (one.misfit.of_noise + 1e-9) * np.eye(len(y)))
            away = (solve_triangular(root, (y - mean).T, lower=True) ** 2).sum(axis=0) / one.scale**2
            scores.append(-away / 2 - np.log(np.diag(root)).sum() - len(y) * np.log(one.scale * np.sqrt(2 * np.pi)))
        together = np.concatenate(scores)
        return float(logsumexp(together) - np.log(len(together)))

    def _given(self, one: _Draws, n: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """[k, T] means at the targets given the runs, and [T, T] covariance of unit scale, without noise."""
        place = (n, d)
        known = one.misfit.whitens @ one.misfit.shared((self.runs.n, self.runs.d), place)
        mean = self.form.log_loss(one.terms, n, d) + one.residuals.T @ known
        return mean, one.misfit.shared(place, place) - known.T @ known


def fit_law(form: Form, runs: Runs, settings: list[Misfit], *, draws: int, generator: np.random.Generator) -> LossLaw:
    """Draw from the posterior of ``form``; ``settings`` from ``misfits(runs)``."""
    problem = _Problem(form, runs)
    modes, start = [], form.centre
    for setting in settings:
        modes.append(problem.mode(setting, start))
        start = modes[-1].terms
    evidence = np.array([mode.log_evidence for mode in modes])
    kept = np.argsort(-evidence)[:_KEPT]
    weight = np.exp(evidence[kept] - evidence[kept].max())
    counts = generator.multinomial(draws, weight / weight.sum())
    parts = tuple(
        problem.draw(settings[place], modes[place], int(count), generator)
        for place, count in zip(kept, counts, strict=True)
        if count
    )
    return LossLaw(form, runs, parts)


@dataclass(frozen=True)
class _Mode:
    terms: np.ndarray
    precision: np.ndarray
    log_evidence: float


class _Problem:
    def __init__(self, form: Form, runs: Runs) -> None:
        self.form, self.runs = form, runs
        self.dof = _COUNTED + len(runs.y)

    def mode(self, setting: Misfit, start: np.ndarray) -> _Mode:
        terms, damping = start, 1e-3
        cost = self._cost(setting, terms)
        slope, precision = self._curve(setting, terms)
        for _ in range(_STEPS):
            step = np.linalg.solve(precision + damping * np.diag(np.diag(precision)), slope)
            tried = np.clip(terms + np.clip(step, -1, 1), *_BOUNDS)
            then = self._cost(setting, tried)
            if not then < cost:
                damping *= 6
                if damping > 1e6:
                    break
                continue
            gained, terms, cost, damping = cost - then, tried, then, damping / 5
            slope, precision = self._curve(setting, terms)
            if gained < _ENOUGH:
                break
        log_det = np.linalg.slogdet(precision)[1]
        return _Mode(terms, precision, setting.log_prior - cost - setting.log_det - log_det / 2)

    def draw(self, setting: Misfit, mode: _Mode, count: int, generator: np.random.Generator) -> _Draws:
        tried = _TRIED * count + 40
        root = np.linalg.cholesky(np.linalg.inv(mode.precision))
        raw = generator.standard_normal((tried, len(root)))
        raw /= np.sqrt(generator.chisquare(_DOF, tried) / _DOF)[:, None]
        terms = np.clip(mode.terms + _WIDER * raw @ root.T, *_BOUNDS)
        residuals = self._residuals(setting, terms)
        log = 0.5 * (_DOF + len(root)) * np.log1p((raw**2).sum(axis=1) / _DOF) - self._cost_of(residuals, terms)
        weight = np.exp(log - log.max())
        picks = generator.choice(tried, count, p=weight / weight.sum())
        residuals = residuals[:, picks]
        scale = np.sqrt(self._squares(residuals) / generator.chisquare(self.dof, count))
        return _Draws(setting, terms[picks], residuals, scale)

    def _residuals(self, setting: Misfit, terms: np.ndarray) -> np.ndarray:
        """[R, ...] whitened, from terms [..., P]."""
        return setting.whitens @ (self.runs.y - self.form.log_loss(terms, self.runs.n, self.runs.d)).T

    def _squares(self, residuals: np.ndarray) -> np.ndarray:
        return _COUNTED * _SCALE**2 + (residuals**2).sum(axis=0)

    def _cost_of(self, residuals: np.ndarray, terms: np.ndarray) -> np.ndarray:
        """Minus the log posterior of terms, the scale averaged over, up to a constant of all settings and forms."""
        prior = (((terms - self.form.centre) / self.form.width) ** 2).sum(axis=-1)
        return 0.5 * self.dof * np.log(self._squares(residuals)) + 0.5 * prior

    def _cost(self, setting: Misfit, terms: np.ndarray) -> float:
        return float(self._cost_of(self._residuals(setting, terms), terms))

    def _curve(self, setting: Misfit, terms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Minus the gradient of the cost, and Gauss and Newton's curvature."""
        logs, slopes = self.form.gradient(terms, self.runs.n, self.runs.d)
        residuals, by_terms = setting.whitens @ (self.runs.y - logs), setting.whitens @ slopes
        known = self.dof / self._squares(residuals)
        slope = known * by_terms.T @ residuals - (terms - self.form.centre) / self.form.width**2
        return slope, known * by_terms.T @ by_terms + np.diag(self.form.width**-2)
