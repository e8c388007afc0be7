"""Draws from ``loss = effect + seed + noise`` where every variant has a noise of its own, at one size or over several.

Of three seeds nobody can read a standard deviation off, and one common SD is wrong as soon as one variant is noisier than
the others: its own interval is too short, and everything beside it is drowned. So each SD is shrunk towards a common one,
as moderated t tests do (Smyth 2004, doi 10.2202/1544-6115.1027), with tails as heavy as the robust form of them (Phipson et
al. 2016, doi 10.1214/16-AOAS920): most are alike, a few may be far noisier.

    y[v, n, s] = effect[v, n] + seed[n, s] + noise,   variance of the noise = common * exp(2 r[v]) * p[n]
    r[v] ~ 1.4 * t with 3 degrees of freedom

at size ``n``; a size's factor ``p[n]`` is a scaled inverse chi-square. Gibbs sampling, many short chains side by side (one array
operation serves all of them); seeds are averaged with the variants' own weights, so that a noisy variant does not spoil the
others. The noise is known from residuals alone: were the effects' scatter let into it, a winner far ahead of a close field
would pass for a variant of enormous noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from studylib.analysis.twoway import TwoWay

# Found by simulation: with three seeds, intervals of a variant five times as noisy as the others cover 80-87 % at scale 0.25,
# 88-92 % at 0.8, 92-96 % at 1.2 and 94-97 % here; the others', the widest, are 1.9 times as wide as an oracle's (2.0 at 1.6).
_SCATTER, _TAILS = np.array([1.4]), 3.0
# Over several sizes it is learned which of these, equally likely beforehand, is so. At one size it cannot be: the noisy variant's
# interval then covers 84-92 %.
_SCATTERS = np.array([0.2, 0.5, 1.2, 3.0])
# Degrees of freedom of sizes' factors: a factor of two to three in variance is usual, ten is not.
_SIZES_ALIKE = 6.0
_BURN_IN = 50  # chains start at draws of the model with one common noise; longer ones gave the same figures
_CHAINS = 400
_SPREADS = 60  # points at which the spread of variants is tried


@dataclass(frozen=True)
class SeedNoise:
    """[J] draws of what seeds do.

    Attributes
    ----------
    mean
        [J, V, S] mean of a cell's trials without the seeds' common parts, up to a level common to a size; nan without trials.
    variance
        [J, V, S] of one trial's noise.
    count
        [V, S] trials.
    """

    mean: np.ndarray
    variance: np.ndarray
    count: np.ndarray


def draw_noise(
    y: np.ndarray,
    variant: np.ndarray,
    size: np.ndarray,
    seed: np.ndarray,
    *,
    draws: int = 1000,
    generator: np.random.Generator,
) -> SeedNoise:
    """How noisy each variant is at each size, with what is not known about it, from ``y`` [T] and the [T] numbers of its cell and seed.

    Seeds act alike only within a size. The caller has seen to it that something is left of the trials once effects and seeds'
    common parts are out.
    """
    variants, sizes = int(variant.max()) + 1, int(size.max()) + 1
    cells, cell = np.unique(variant * sizes + size, return_inverse=True)
    blocks, block = np.unique(size * (int(seed.max()) + 1) + seed, return_inverse=True)
    of_cell, of_block = np.eye(len(cells))[cell], np.eye(len(blocks))[block]  # [T, C], [T, B]
    of_variant, of_size = np.eye(variants)[variant], np.eye(sizes)[size]
    in_cell, in_variant, in_size = (one.sum(axis=0) for one in (of_cell, of_variant, of_size))

    # Bit-identical trials have no noise: nothing may be divided by zero, and their SD comes out as nothing.
    floor = (1e-12 * max(float(np.abs(y).max()), 1e-12)) ** 2
    level = y.mean()
    y = y - level  # large common levels cost precision
    both = np.hstack([of_cell, of_block])
    fit, _, rank, _ = np.linalg.lstsq(both, y, rcond=None)
    dof = max(1, len(y) - rank)
    chains = max(1, min(_CHAINS, draws // 10))
    scale = max(float(((y - both @ fit) ** 2).sum()), floor) / generator.chisquare(dof, chains)
    ratio = np.zeros((chains, variants))  # log of the SD over the common one
    scatters = _SCATTERS if sizes > 1 else _SCATTER
    scatter = np.full(chains, scatters[-1])
    by_size = np.ones((chains, sizes))
    effect = np.tile(fit[: len(cells)], (chains, 1))
    steps = math.ceil(draws / chains)
    means, variances = np.full((steps, chains, variants * sizes), np.nan), np.empty((steps, chains, variants, sizes))
    for step in range(-_BURN_IN, steps):
        variance = (scale[:, None] * np.exp(2 * ratio))[:, variant] * by_size[:, size]  # [chains, T]
        total = (1 / variance) @ of_block
        common = ((y - effect[:, cell]) / variance) @ of_block / total
        common += generator.standard_normal(common.shape) / np.sqrt(total)
        mean = (y - common[:, block]) @ of_cell / in_cell
        effect = mean + np.sqrt(variance @ of_cell) / in_cell * generator.standard_normal(mean.shape)
        if step >= 0:
            means[step][:, cells] = mean + level
            variances[step] = (scale[:, None] * np.exp(2 * ratio))[:, :, None] * by_size[:, None, :]

        square = (y - effect[:, cell] - common[:, block]) ** 2
        own = np.maximum((square / by_size[:, size]) @ of_variant, floor)
        for jump in (1.2, 0.4):
            proposal = ratio + jump * generator.standard_normal(ratio.shape)
            gain = _log_ratio(proposal, own, scale, in_variant, scatter) - _log_ratio(
                ratio, own, scale, in_variant, scatter
            )
            ratio = np.where(np.log(generator.random(ratio.shape)) < gain, proposal, ratio)
        scatter = scatters[_picked(_prior(ratio[:, :, None], scatters).sum(axis=1), generator)]
        square = square * np.exp(-2 * ratio)[:, variant]
        if sizes > 1:
            by_size = (_SIZES_ALIKE + square @ of_size / scale[:, None]) / generator.chisquare(
                np.broadcast_to(_SIZES_ALIKE + in_size, by_size.shape)
            )
        scale = np.maximum((square / by_size[:, size]).sum(axis=1), floor) / generator.chisquare(len(y), chains)
    count = np.bincount(variant * sizes + size, minlength=variants * sizes).reshape(variants, sizes)
    return SeedNoise(means.reshape(-1, variants, sizes)[:draws], variances.reshape(-1, variants, sizes)[:draws], count)


def draw(
    fit: TwoWay,
    *,
    draws: int,
    spread: float | None = None,
    free: tuple[str, ...] = (),
    random_seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """[draws, V] samples of the variants' losses at one size up to a common level, and of the SD of one trial's noise.

    Parameters
    ----------
    spread
        Scale of the half-Cauchy prior on the spread of the variants about their mean, in units of the loss: they are
        exchangeable, ``variant ~ Normal(m, tau)``. None: nothing is assumed of them.
    free
        Variants left out of that prior.
    """
    generator = np.random.default_rng(random_seed)
    variant, seed = np.nonzero(np.isfinite(fit.values))
    found = draw_noise(
        fit.values[variant, seed], variant, np.zeros_like(variant), seed, draws=draws, generator=generator
    )
    mean, error = found.mean[:, :, 0], found.variance[:, :, 0] / found.count[:, 0]
    losses = mean + np.sqrt(error) * generator.standard_normal(mean.shape)
    shrunk = np.array([spread is not None and name not in free for name in fit.variants])
    if shrunk.any():
        losses[:, shrunk] = _exchangeable(mean[:, shrunk], error[:, shrunk], spread or 0.0, generator)
    return losses, np.sqrt(found.variance[:, :, 0])


def _prior(ratio: np.ndarray, scatter: np.ndarray) -> np.ndarray:
    """Log density of log noise ratios."""
    return -(_TAILS + 1) / 2 * np.log1p((ratio / scatter) ** 2 / _TAILS) - np.log(scatter)


def _picked(log: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """[J] columns drawn from [J, N] log masses."""
    mass = np.exp(log - log.max(axis=1, keepdims=True)).cumsum(axis=1)
    return (generator.random((len(mass), 1)) * mass[:, -1:] > mass).sum(axis=1)


def _log_ratio(
    ratio: np.ndarray, square: np.ndarray, variance: np.ndarray, count: np.ndarray, scatter: np.ndarray
) -> np.ndarray:
    """Log density of the variants' log noise ratios given their squared residuals [chains, V]."""
    return _prior(ratio, scatter[:, None]) - count * ratio - 0.5 * square * np.exp(-2 * ratio) / variance[:, None]


def _exchangeable(mean: np.ndarray, error: np.ndarray, scale: float, generator: np.random.Generator) -> np.ndarray:
    """[J, V] effects drawn under the prior, of variants seen as ``mean`` with variance ``error``, both [J, V].

    The spread is drawn first, with the variants and their centre integrated out.
    """
    low, high = float(np.sqrt(error.min())), max(float(np.ptp(mean, axis=1).max()), float(np.sqrt(error.max())))
    step = (math.log(30 * high) - math.log(0.02 * low)) / _SPREADS
    taus = math.log(0.02 * low) + step * np.arange(_SPREADS)  # log, equally spaced
    log = np.empty((len(mean), _SPREADS))
    for place, tau in enumerate(np.exp(taus)):
        weight = 1 / (tau**2 + error)
        precision = weight.sum(axis=1)
        centre = (weight * mean).sum(axis=1) / precision
        misfit = (weight * (mean - centre[:, None]) ** 2).sum(axis=1)
        log[:, place] = 0.5 * (np.log(weight).sum(axis=1) - np.log(precision) - misfit)
    log += taus - np.log1p(np.exp(2 * taus) / scale**2)
    variance = np.exp(2 * (taus[_picked(log, generator)] + step * (generator.random(len(mean)) - 0.5)))[:, None]
    weight = 1 / (variance + error)
    precision = weight.sum(axis=1, keepdims=True)
    centre = (weight * mean).sum(axis=1, keepdims=True) / precision
    centre += generator.standard_normal(centre.shape) / np.sqrt(precision)
    total = 1 / variance + 1 / error
    return (centre / variance + mean / error) / total + generator.standard_normal(mean.shape) / np.sqrt(total)
