"""Joint posterior of valleys over several budgets, from their mean losses: numbers only, no frames.

Model. ``log loss = level + log(1 + C_b g(x - X_b)) + misfit + noise`` at budget ``b``, with ``x`` the log of what is swept, and
``g`` the valley with its bottom at 0. ``g(u) = exp(sign(u) q / 2) f(u)`` and ``f'(u) = 2 exp(k u) sinh(w u) / w``: ``f`` is a
sum of two power laws, ``u**2`` where ``k`` and ``w`` are small, steeper on one side by the skew ``k``, flat with steep ends
where the bend ``w`` is large. Loss over parameters at fixed FLOPs has this form exactly when ``loss = E + A N^-a + B D^-b``
(Hoffmann et al. 2022, arXiv 2203.15556), with ``k = (b - a) / 2`` and ``w = (a + b) / 2``: there a parabola is biased. No law
is known for other sweeps. Sides may be uneven right from the bottom, by the kink ``q``, a share of their mean: of all forms
the one that moves the bottom furthest for what the means show of it, so that others are covered too.

    ``X_b ~ Normal(alpha + z_b . beta, tau)``         where the bottom goes with the budget's sizes ``z``
    ``log C_b ~ Normal(gamma + z_b . delta, 0.2)``    how steep the valley is

Skew, kink and bend are those of all budgets. Integrals are by adaptive importance sampling over noise, misfit, ``tau`` and ``w``, with a
Gauss-Newton (Laplace) fit of all ``X_b``, ``C_b``, ``k`` and ``q`` inside each draw. Every draw's weight is exact, so the fit
only has to be near.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

# Priors, in logarithms of what is swept and relative to the loss.
_ALPHA_RANGES = 1.0  # sd of the bottom's place, in ranges swept
_BETA_SD = 0.5  # exponents of optima: published ones run from -0.71 (learning rate) to 0.83 (vocabulary)
_TAU_SCALE = 0.07  # half-t with 3 degrees of freedom: scatter of optima about their law, as a share of an optimum
_LEAST_SCATTER = 1e-3  # of optima: no sweep places one better
_LOG_CURVATURE = (np.log(0.01), 2.0)  # 1 % of the loss an e-fold from the bottom, within 50 times either way
_CURVATURE_SLOPE_SD = 0.2  # Hoffmann's fit: curvature falls with parameters to the power 0.2
CURVATURE_SCATTER = 0.2
_SKEW_SD = 0.05  # 0.03 in Hoffmann's fit
_KINK_SD = 0.25
_BEND_SCALE = 0.4  # half-normal; 0.3 in Hoffmann's fit
_MISFIT_SCALE = 0.0007  # half-t with 3 degrees of freedom, for it may be anything: shapes of a family differ by up to 3 % in size, which is 0.1 % of the loss
_LOG_NOISE = (np.log(0.003), 0.9)  # of one trial; seed SDs run from 0.05 to 2 %
_NOISE_DOF = 10  # a budget's own noise is shrunk to the common one as if that had so many degrees of freedom
_LEAST_NOISE = 1e-4  # of a mean: smaller differences are arithmetic

_ROUNDS, _MORE, _TRIED, _STEPS = 3, 2, 300, 12
_ENOUGH = 150  # independent draws: the ends of a 95 % interval are then good to a few per cent of its width


@dataclass(frozen=True)
class Cells:
    """Mean log losses of one budget.

    Attributes
    ----------
    x
        [n] log of the values swept.
    mean
        [n] mean log loss of each at the average seed.
    precision
        [n, n] of ``mean`` up to a common level, in units of 1 / noise variance.
    residual, dof
        Sum of squares left when values and seeds are fitted freely, and its degrees of freedom (0 with one seed).
    """

    x: np.ndarray
    mean: np.ndarray
    precision: np.ndarray
    residual: float
    dof: int


@dataclass(frozen=True)
class Form:
    """[K] draws of what gives a valley its form: see the model above."""

    skew: np.ndarray
    kink: np.ndarray
    bend: np.ndarray

    def above(self, value: np.ndarray | float, log_optimum: np.ndarray, log_curvature: np.ndarray) -> np.ndarray:
        """[K, ...] loss at ``value`` above the bottom, as a share of the bottom's, from [K] places and log curvatures."""
        place, depth, *form = (
            one.reshape((-1,) + (1,) * np.ndim(value))
            for one in (log_optimum, log_curvature, self.skew, self.kink, self.bend)
        )
        return np.exp(depth) * np.maximum(valley(np.log(value) - place, *form), 0)


@dataclass(frozen=True)
class ValleyDraws:
    """[K] equally likely draws. ``optimum`` and ``log_curvature`` are [K, B]; ``place`` and ``depth`` are the laws
    [K, 1 + V]: value at the mean of ``z``, then exponents; ``effective`` is how many independent draws they are worth."""

    optimum: np.ndarray
    log_curvature: np.ndarray
    form: Form
    noise: np.ndarray
    misfit: np.ndarray
    tau: np.ndarray
    place: np.ndarray
    depth: np.ndarray
    effective: float


def valley(u: np.ndarray, skew: np.ndarray, kink: np.ndarray, bend: np.ndarray) -> np.ndarray:
    """``g(u)``: 0 at 0, about ``u**2``."""
    rises, _, _ = _powers(u, skew, bend)
    return (rises[0] - rises[1]) / bend * np.exp(np.sign(u) * kink / 2)


def _powers(u: np.ndarray, skew: np.ndarray, bend: np.ndarray) -> tuple[list[np.ndarray], ...]:
    """``(exp(p u) - 1) / p`` of the powers ``p = skew + bend`` and ``skew - bend``; its derivatives by ``u``, and by ``p``."""
    rises, slopes, turns = [], [], []
    for power in (skew + bend, skew - bend):
        power = np.where(np.abs(power) < 1e-9, 1e-9, power)
        grown = np.expm1(np.clip(power * u, -30, 30))
        rises.append(grown / power)
        slopes.append(grown + 1)
        # The closed form cancels near 0.
        turns.append(np.where(np.abs(power) < 1e-4, u**2 / 2, (u * slopes[-1] - rises[-1]) / power))
    return rises, slopes, turns


def sample_valleys(cells: list[Cells], z: np.ndarray, *, draws: int = 2000, random_seed: int = 0) -> ValleyDraws:
    """Draw from the posterior. ``z`` [B, V]: log sizes of the budgets, centred; V = 0 for one budget."""
    problem = _Problem(cells, z)
    generator = np.random.default_rng(random_seed)
    middle, spread = problem.start()
    for turn in range(_ROUNDS + _MORE + 1):
        count = _TRIED if turn < _ROUNDS else draws
        hyper, log_q = _t_draws(middle, np.linalg.cholesky(spread), count, 5, generator)
        mode, factor = problem.fit(hyper)
        theta, log_theta = _t_about(mode, factor, 10, generator)
        weight = problem.log_density(theta, hyper) - log_q - log_theta
        weight = np.exp(weight - weight.max())
        weight /= weight.sum()
        effective = float(1 / (weight**2).sum())
        if turn >= _ROUNDS and (effective >= _ENOUGH or turn == _ROUNDS + _MORE):
            break
        # Truncated, so that one lucky draw does not become the whole next proposal.
        kept = np.minimum(weight, 1 / np.sqrt(count))
        kept /= kept.sum()
        middle = kept @ hyper
        spread = 1.2 * (kept * (hyper - middle).T) @ (hyper - middle) + 0.001 * np.eye(hyper.shape[1])
        problem.first = kept @ mode
    # Systematic resampling: less noise than independent draws.
    picks = np.searchsorted(np.cumsum(weight), (generator.random() + np.arange(draws)) / draws).clip(0, draws - 1)
    hyper, theta = hyper[picks], theta[picks]
    noise, misfit, tau, bend = np.exp(hyper).T
    optimum, log_curvature, skew, kink = problem.split(theta)
    scatter = np.full(draws, CURVATURE_SCATTER)
    return ValleyDraws(
        optimum=optimum + problem.centre, log_curvature=log_curvature, form=Form(skew, kink, bend), noise=noise, misfit=misfit, tau=tau,
        place=_law(optimum, z, tau, 0.0, problem.place_sd, generator) + np.eye(1, 1 + z.shape[1]) * problem.centre,
        depth=_law(log_curvature, z, scatter, _LOG_CURVATURE[0], problem.depth_sd, generator),
        effective=effective,
    )  # fmt: skip


class _Problem:
    """The data in a basis in which noise and misfit are independent, padded to one shape, and the log density."""

    def __init__(self, cells: list[Cells], z: np.ndarray) -> None:
        size = max(len(cell.x) for cell in cells)
        count = len(cells)
        ends = [cell.x.min() for cell in cells], [cell.x.max() for cell in cells]
        self.centre = float(np.mean(ends))
        reach = float(np.max(ends[1]) - np.min(ends[0]))
        self.x = np.zeros((count, size))
        self.turn = np.zeros((count, size, size))  # [B, n, k]
        self.unit = np.ones((count, size))  # noise variance of each coordinate, per unit of one trial's
        self.real = np.zeros((count, size), dtype=bool)
        self.data = np.zeros((count, size))
        self.residual = sum(cell.residual for cell in cells)
        self.dof = sum(cell.dof for cell in cells)
        pooled = self.residual / self.dof if self.dof else 1.0
        own = np.array([
            (_NOISE_DOF + cell.residual / pooled) / (_NOISE_DOF + cell.dof) if pooled > 0 else 1.0 for cell in cells
        ])  # fmt: skip
        for b, cell in enumerate(cells):
            n = len(cell.x)
            values, vectors = np.linalg.eigh(cell.precision)
            known = values > 1e-9 * max(values.max(), 1e-9)
            self.x[b, :n] = cell.x - self.centre
            self.turn[b, :n, :n] = vectors
            self.real[b, :n] = known
            self.unit[b, :n] = np.where(known, own[b] / np.where(known, values, 1.0), 1.0)
            self.data[b, :n] = vectors.T @ cell.mean
        # Noise of the residuals scales with the shrunk variances as well.
        self.residual = sum(cell.residual / scale for cell, scale in zip(cells, own, strict=True))
        self.z1 = np.column_stack([np.ones(count), z])
        self.place_sd = np.array([_ALPHA_RANGES * reach, *[_BETA_SD] * z.shape[1]])
        self.depth_sd = np.array([_LOG_CURVATURE[1], *[_CURVATURE_SLOPE_SD] * z.shape[1]])
        self.place_basis = _eigen(self.z1, self.place_sd)
        depth_values, depth_vectors = _eigen(self.z1, self.depth_sd)
        self.depth_precision = (depth_vectors / (depth_values + CURVATURE_SCATTER**2)) @ depth_vectors.T
        self.prior_mean = np.concatenate([np.zeros(count), np.full(count, _LOG_CURVATURE[0]), [0.0, 0.0]])
        lowest = [self.x[b, int(cell.mean.argmin())] for b, cell in enumerate(cells)]
        self.first = np.concatenate([lowest, np.full(count, _LOG_CURVATURE[0]), [0.0, 0.0]])

    def split(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Bottoms [K, B], log curvatures [K, B], skew [K] and kink [K]."""
        count = len(self.x)
        return theta[:, :count], theta[:, count : 2 * count], theta[:, -2], theta[:, -1]

    def start(self) -> tuple[np.ndarray, np.ndarray]:
        """Centre and covariance of the first proposal over the logarithms of noise, misfit, tau and bend."""
        hyper = np.log([[0.002, 0.0003, 0.05, 0.3]])
        theta, _ = self.fit(hyper)
        rest = (self._scaled(theta, hyper) ** 2 * self._variance(hyper) / self.unit * self.real).sum()
        freedom = self.dof if self.dof >= 4 else max(self.real.sum() + self.dof - 3, 1)
        noise = np.sqrt((self.residual if self.dof >= 4 else self.residual + rest) / freedom)
        noise = float(np.clip(noise, 1e-5, 0.05))
        middle = np.log([noise, min(0.0003, noise), 0.05, 0.3])
        return middle, np.diag([0.1 + 1 / (1 + self.dof), 1.0, 0.7, 0.5])

    def _variance(self, hyper: np.ndarray) -> np.ndarray:
        noise, misfit = np.exp(hyper[:, 0]), np.exp(hyper[:, 1])
        return noise[:, None, None] ** 2 * self.unit + misfit[:, None, None] ** 2 + _LEAST_NOISE**2

    def _rotate(self, values: np.ndarray) -> np.ndarray:
        """[K, B, n] into the basis in which noise is independent."""
        return np.swapaxes(np.swapaxes(values, 0, 1) @ self.turn, 0, 1)

    def _above(self, theta: np.ndarray, hyper: np.ndarray) -> tuple[np.ndarray, ...]:
        """What the loss above the bottom [K, B, n] is made of: depth, distance, skew, kink, bend."""
        place, depth, skew, kink = self.split(theta)
        bottom = np.exp(np.clip(depth, -30, 10))[:, :, None]
        form = (one[:, None, None] for one in (skew, kink, np.exp(hyper[:, 3])))
        return bottom, self.x[None] - place[:, :, None], *form

    def _scaled(self, theta: np.ndarray, hyper: np.ndarray) -> np.ndarray:
        """[K, B, k] residuals in standard deviations."""
        bottom, u, *form = self._above(theta, hyper)
        above = np.maximum(bottom * valley(u, *form), 0)
        return (self.data - self._rotate(np.log1p(above))) * self.real / np.sqrt(self._variance(hyper))

    def _linear(self, theta: np.ndarray, hyper: np.ndarray) -> tuple[np.ndarray, ...]:
        """`_scaled`, and its derivatives by the bottom, by its own log curvature, by the skew and by the kink."""
        bottom, u, skew, kink, bend = self._above(theta, hyper)
        rises, slopes, turns = _powers(u, skew, bend)
        scale = bottom * np.exp(np.sign(u) * kink / 2) / bend
        above = np.maximum(scale * (rises[0] - rises[1]), 0)
        root = self.real / np.sqrt(self._variance(hyper))
        scale = scale / (1 + above)
        share = above / (1 + above)
        return (
            (self.data - self._rotate(np.log1p(above))) * root,
            self._rotate(scale * (slopes[0] - slopes[1])) * root,
            -self._rotate(share) * root,
            -self._rotate(scale * (turns[0] - turns[1])) * root,
            -self._rotate(share * np.sign(u) / 2) * root,
        )

    def _prior(self, hyper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """[K, B, B] precision of the bottoms' places, and [K] log determinant of their covariance."""
        values, vectors = self.place_basis
        total = values + np.exp(hyper[:, 2])[:, None] ** 2 + _LEAST_SCATTER**2
        return (vectors / total[:, None, :]) @ vectors.T, np.log(total).sum(axis=1)

    def fit(self, hyper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """[K, d] the best bottoms, curvatures, skew and kink under each hyperparameter; [K, d, d] Cholesky factor of their precision."""
        count, half = len(hyper), len(self.x)
        prior = np.zeros((count, 2 * half + 2, 2 * half + 2))
        prior[:, :half, :half], _ = self._prior(hyper)
        prior[:, half:-2, half:-2] = self.depth_precision
        prior[:, -2, -2] = 1 / _SKEW_SD**2
        prior[:, -1, -1] = 1 / _KINK_SD**2
        theta = np.tile(self.first, (count, 1))
        line = np.arange(half)
        for _ in range(_STEPS):
            residual, by_place, by_depth, *by_form = self._linear(theta, hyper)
            curve = prior.copy()
            curve[:, line, line] += (by_place**2).sum(axis=2)
            curve[:, half + line, half + line] += (by_depth**2).sum(axis=2)
            curve[:, line, half + line] = (by_place * by_depth).sum(axis=2)
            curve[:, half + line, line] = curve[:, line, half + line]
            pull = [(by_place * residual).sum(axis=2), (by_depth * residual).sum(axis=2)]
            for place, by in zip((-2, -1), by_form, strict=True):
                own = np.concatenate([(by_place * by).sum(axis=2), (by_depth * by).sum(axis=2)], axis=1)
                curve[:, :-2, place] = curve[:, place, :-2] = own
                curve[:, place, place] += (by**2).sum(axis=(1, 2))
                pull.append((by * residual).sum(axis=(1, 2))[:, None])
            curve[:, -1, -2] = curve[:, -2, -1] = (by_form[0] * by_form[1]).sum(axis=(1, 2))
            gradient = np.concatenate(pull, axis=1) + (prior @ (theta - self.prior_mean)[..., None])[..., 0]
            step = np.clip(np.linalg.solve(curve, gradient[..., None])[..., 0], -0.7, 0.7)
            theta = theta - step
            # Almost all are within a small part of the posterior's spread; the weights bear what is left.
            if np.quantile((step * gradient).sum(axis=1), 0.98) < 0.02:
                break
        return theta, np.linalg.cholesky(curve)

    def log_density(self, theta: np.ndarray, hyper: np.ndarray) -> np.ndarray:
        """[K] log of likelihood times priors, up to a constant."""
        residual = self._scaled(theta, hyper)
        variance = np.where(self.real, self._variance(hyper), 1.0)
        found = -0.5 * (residual**2).sum(axis=(1, 2)) - 0.5 * np.log(variance).sum(axis=(1, 2))
        noise, misfit, tau, bend = np.exp(hyper).T
        variance = noise**2 + _LEAST_NOISE**2
        found -= 0.5 * self.dof * np.log(variance) + self.residual / (2 * variance)
        place, depth, skew, kink = self.split(theta)
        inverse, logdet = self._prior(hyper)
        found -= 0.5 * np.einsum("ai,aij,aj->a", place, inverse, place) + 0.5 * logdet
        off = depth - _LOG_CURVATURE[0]
        found -= 0.5 * np.einsum("ai,ij,aj->a", off, self.depth_precision, off)
        found -= 0.5 * ((skew / _SKEW_SD) ** 2 + (kink / _KINK_SD) ** 2)
        found -= 0.5 * ((hyper[:, 0] - _LOG_NOISE[0]) / _LOG_NOISE[1]) ** 2
        # Half-normal in the logarithm: its density times the value.
        found += hyper[:, 2] - 2 * np.log1p((tau / _TAU_SCALE) ** 2 / 3)
        found += hyper[:, 3] - 0.5 * (bend / _BEND_SCALE) ** 2
        found += hyper[:, 1] - 2 * np.log1p((misfit / _MISFIT_SCALE) ** 2 / 3)
        return np.where(np.isfinite(found), found, -np.inf)


def _eigen(z1: np.ndarray, sd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, vectors = np.linalg.eigh((z1 * sd**2) @ z1.T)
    return np.maximum(values, 0.0), vectors


def _t_draws(
    middle: np.ndarray, root: np.ndarray, count: int, dof: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """[K, d] draws of a multivariate t, and their log density up to a constant."""
    size = len(middle)
    normal = generator.standard_normal((count, size))
    raw = normal / np.sqrt(generator.chisquare(dof, count) / dof)[:, None]
    return middle + raw @ root.T, -0.5 * (dof + size) * np.log1p((raw**2).sum(axis=1) / dof)


def _t_about(
    mode: np.ndarray, factor: np.ndarray, dof: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """One multivariate t draw about each mode [K, d] with precision ``factor @ factor.T``, and its log density."""
    count, size = mode.shape
    raw = generator.standard_normal((count, size)) / np.sqrt(generator.chisquare(dof, count) / dof)[:, None]
    step = np.linalg.solve(np.swapaxes(factor, 1, 2), raw[..., None])[..., 0]
    constant = gammaln((dof + size) / 2) - gammaln(dof / 2) - size / 2 * np.log(dof * np.pi)
    logdet = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    return mode + step, constant + logdet - 0.5 * (dof + size) * np.log1p((raw**2).sum(axis=1) / dof)


def _law(
    values: np.ndarray, z: np.ndarray, scatter: np.ndarray, mean: float, sd: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """[K, 1 + V] a draw of the law ``mean + first + z . rest`` given the budgets' values [K, B] and their scatter [K]."""
    z1 = np.column_stack([np.ones(values.shape[1]), z])
    scatter = np.hypot(scatter, _LEAST_SCATTER)
    precision = (z1.T @ z1)[None] / scatter[:, None, None] ** 2 + np.diag(1 / sd**2)
    middle = np.linalg.solve(precision, ((values - mean) @ z1 / scatter[:, None] ** 2)[..., None])[..., 0]
    root = np.linalg.cholesky(precision)
    step = np.linalg.solve(np.swapaxes(root, 1, 2), generator.standard_normal((len(values), z1.shape[1]))[..., None])[
        ..., 0
    ]
    return middle + step + np.eye(1, z1.shape[1]) * mean
