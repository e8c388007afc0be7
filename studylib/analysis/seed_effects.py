"""Draws from ``loss = variant + seed + noise`` where every variant has a noise of its own.

Of three seeds nobody can read a standard deviation off, and one common SD is wrong as soon as one variant is noisier than
the others: its own interval is too short, and everything beside it is drowned. So each SD is shrunk towards a common one,
as moderated t tests do (Smyth 2004, doi 10.2202/1544-6115.1027), with tails as heavy as the robust form of them (Phipson et
al. 2016, doi 10.1214/16-AOAS920): most are alike, a few may be far noisier.

    loss[v, s] = variant[v] + seed[s] + Normal(0, sd[v]),   log(sd[v] / common) ~ 1.2 * t with 3 degrees of freedom

Gibbs sampling, many short chains side by side (one array operation serves all of them); seeds are averaged with the
variants' own weights, so that a noisy variant does not spoil the others. The noise is known from residuals alone: were the
effects' scatter let into it, a winner far ahead of a close field would pass for a variant of enormous noise.
"""

from __future__ import annotations

import math

import numpy as np

from studylib.analysis.twoway import TwoWay

# Found by simulation: with three seeds, intervals of a variant five times as noisy as the others cover 80-87 % at scale 0.25,
# 88-92 % at 0.8 and 91-94 % here, and those of equally noisy ones are 1.2, 1.45 and 1.6 times as wide as an oracle's.
_SCATTER, _TAILS = 1.2, 3.0
_BURN_IN = 50  # chains start at draws of the model with one common noise; longer ones gave the same figures
_CHAINS = 400


def draw(
    fit: TwoWay,
    *,
    draws: int,
    spread: float | None = None,
    free: tuple[str, ...] = (),
    random_seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """[draws, V] samples of the variants' losses up to a common level, and of the SD of one trial's noise.

    Parameters
    ----------
    spread
        Scale of the half-Cauchy prior on the spread of the variants about their mean, in units of the loss: they are
        exchangeable, ``variant ~ Normal(m, tau)``. None: nothing is assumed of them.
    free
        Variants left out of that prior.
    """
    generator = np.random.default_rng(random_seed)
    here = np.isfinite(fit.values)
    level = float(np.nanmean(fit.values))
    y, mask = np.where(here, fit.values - level, 0.0), here.astype(float)
    count, trials = mask.sum(axis=1), mask.sum()
    variants, seeds = y.shape
    shrunk = np.array([spread is not None and name not in free for name in fit.variants])

    # Bit-identical trials have no noise: nothing may be divided by zero, and their SD comes out as nothing.
    floor = 1e-12 * max(abs(level), 1e-12)
    chains = max(1, min(_CHAINS, draws // 10))
    steps = math.ceil(draws / chains)
    variance = max(fit.sd, floor) ** 2 * fit.dof / generator.chisquare(fit.dof, chains)
    ratio = np.zeros((chains, variants))  # log of the SD over the common one
    effect = np.tile(fit.effects - level, (chains, 1))
    tau = np.full(chains, math.log(max(float(fit.effects.std()), floor)))
    losses, noises = np.empty((steps, chains, variants)), np.empty((steps, chains, variants))
    for step in range(-_BURN_IN, steps):
        weight = np.exp(-2 * ratio) / variance[:, None]  # [chains, V]
        total = weight @ mask
        common = (weight @ (y * mask) - (weight * effect) @ mask) / total
        common += generator.standard_normal((chains, seeds)) / np.sqrt(total)
        common -= common.mean(axis=1, keepdims=True)
        mean, error = ((y * mask).sum(axis=1) - common @ mask.T) / count, 1 / (weight * count)
        effect = mean + np.sqrt(error) * generator.standard_normal((chains, variants))
        if shrunk.any():
            tau, own = _exchangeable(mean[:, shrunk], error[:, shrunk], tau, spread or 0.0, generator)

        residual = (y - effect[:, :, None] - common[:, None, :]) * mask
        square = np.maximum((residual**2).sum(axis=2), floor**2)
        for jump in (1.2, 0.4):
            proposal = ratio + jump * generator.standard_normal(ratio.shape)
            gain = _log_ratio(proposal, square, variance, count) - _log_ratio(ratio, square, variance, count)
            ratio = np.where(np.log(generator.random(ratio.shape)) < gain, proposal, ratio)
        variance = (square * np.exp(-2 * ratio)).sum(axis=1) / generator.chisquare(trials, chains)
        if step >= 0:
            noises[step] = np.sqrt(1 / weight)
            losses[step] = effect
            if shrunk.any():
                losses[step][:, shrunk] = own
    return losses.reshape(-1, variants)[:draws] + level, noises.reshape(-1, variants)[:draws]


def _log_ratio(ratio: np.ndarray, square: np.ndarray, variance: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Log density of the variants' log noise ratios given their squared residuals [chains, V]."""
    prior = -(_TAILS + 1) / 2 * np.log1p((ratio / _SCATTER) ** 2 / _TAILS)
    return prior - count * ratio - 0.5 * square * np.exp(-2 * ratio) / variance[:, None]


def _exchangeable(
    mean: np.ndarray, error: np.ndarray, tau: np.ndarray, scale: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Next log spread, and effects drawn under the prior, of variants seen as ``mean`` with variance ``error``.

    The spread is drawn with the variants and their centre integrated out, so that it can leave zero again.
    """

    def log_density(tau: np.ndarray) -> np.ndarray:
        total = np.exp(2 * tau)[:, None] + error
        weight = 1 / total
        centre = (weight * mean).sum(axis=1) / weight.sum(axis=1)
        misfit = (weight * (mean - centre[:, None]) ** 2).sum(axis=1)
        likelihood = -0.5 * (np.log(total).sum(axis=1) + np.log(weight.sum(axis=1)) + misfit)
        return likelihood + tau - np.log1p(np.exp(2 * tau) / scale**2)

    now = log_density(tau)
    for _ in range(2):
        proposal = tau + 1.2 * generator.standard_normal(tau.shape)
        there = log_density(proposal)
        taken = np.log(generator.random(tau.shape)) < there - now
        tau, now = np.where(taken, proposal, tau), np.where(taken, there, now)
    weight = 1 / (np.exp(2 * tau)[:, None] + error)
    precision = weight.sum(axis=1)
    centre = (weight * mean).sum(axis=1) / precision + generator.standard_normal(tau.shape) / np.sqrt(precision)
    prior = np.exp(-2 * np.maximum(tau, -300.0))[:, None]
    total = prior + 1 / error
    effect = (prior * centre[:, None] + mean / error) / total
    return tau, effect + generator.standard_normal(effect.shape) / np.sqrt(total)
