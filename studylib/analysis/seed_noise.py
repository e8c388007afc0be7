"""How noisy each variant is at each size, with what is not known about it: draws, not one number.

    y[variant, size, seed] = effect[variant, size] + common[size, seed] + noise,   noise ~ Normal(0, s2 * r[variant] * p[size])

The factors of variants and of sizes scatter about 1 as scaled inverse chi-squares, with the degrees of freedom of the variants'
scatter found from the trials (moderated variances: Smyth 2004, doi 10.2202/1544-6115.1027): a variant that is five times as noisy
as the others is seen to be, and two seeds do not make one look quiet. Drawn by Gibbs sampling, many chains side by side.
"""

from __future__ import annotations

import numpy as np

# Degrees of freedom with which the variants' variances may scatter: 2 is by factors of ten, 128 hardly at all.
_ALIKE = np.array([2.0, 4.0, 8.0, 16.0, 32.0, 128.0])
# Sizes: a factor of two to three in variance is usual, ten is not.
_SIZES_ALIKE = 6.0
_CHAINS, _STEPS, _KEPT = 200, 40, 5


def draw_noise(
    y: np.ndarray, variant: np.ndarray, size: np.ndarray, seed: np.ndarray, *, generator: np.random.Generator
) -> np.ndarray:
    """[J, V, S] draws of the variance of one trial's noise, from ``y`` [T] and the [T] numbers of its cell and seed.

    Seeds act alike only within a size. The caller has seen to it that something is left of the trials once effects and seeds'
    common parts are out.
    """
    variants, sizes = int(variant.max()) + 1, int(size.max()) + 1
    cells, cell = np.unique(variant * sizes + size, return_inverse=True)
    blocks, block = np.unique(size * (int(seed.max()) + 1) + seed, return_inverse=True)
    of_cell, of_block = np.eye(len(cells))[cell], np.eye(len(blocks))[block]  # [T, C], [T, B]
    of_variant, of_size = np.eye(variants)[variant], np.eye(sizes)[size]
    in_cell = of_cell.sum(axis=0)
    in_variant, in_size = of_variant.sum(axis=0), of_size.sum(axis=0)

    # centred, so that large common levels cost no precision; a floor keeps bit-identical trials from dividing by zero
    y = y - y.mean()
    fit = np.linalg.lstsq(np.hstack([of_cell, of_block]), y, rcond=None)
    residual = y - np.hstack([of_cell, of_block]) @ fit[0]
    start = float(residual @ residual) / max(1, len(y) - fit[2])
    floor = max(1e-12, 1e-6 * start)

    chains = _CHAINS
    scale = np.full(chains, start + floor)
    by_variant, by_size = np.ones((chains, variants)), np.ones((chains, sizes))
    alike = np.full(chains, 8.0)
    common = np.zeros((chains, len(blocks))) + fit[0][len(cells) :]
    kept = []
    for step in range(_STEPS):
        variance = scale[:, None] * by_variant[:, variant] * by_size[:, size]  # [chains, T]
        weight = 1 / variance
        mean = (y - common[:, block]) @ of_cell / in_cell
        per_cell = (variance @ of_cell) / in_cell**2
        effects = mean + np.sqrt(per_cell) * generator.standard_normal(mean.shape)
        total = weight @ of_block
        common = ((y - effects[:, cell]) * weight) @ of_block / total
        common += generator.standard_normal(common.shape) / np.sqrt(total)
        square = (y - effects[:, cell] - common[:, block]) ** 2
        own = square / (scale[:, None] * by_size[:, size]) @ of_variant
        by_variant = (alike[:, None] + own) / generator.chisquare(alike[:, None] + in_variant)
        own = square / (scale[:, None] * by_variant[:, variant]) @ of_size
        by_size = (_SIZES_ALIKE + own) / generator.chisquare(np.broadcast_to(_SIZES_ALIKE + in_size, own.shape))
        own = (square / (by_variant[:, variant] * by_size[:, size])).sum(axis=1)
        scale = (own + floor) / generator.chisquare(len(y), chains)
        alike = _draw_alike(by_variant, generator)
        if step >= _STEPS - 4 * _KEPT and step % 4 == 3:
            kept.append(scale[:, None, None] * by_variant[:, :, None] * by_size[:, None, :])
    return np.concatenate(kept)


def _draw_alike(by_variant: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """[chains] degrees of freedom given the factors, each of ``_ALIKE`` equally likely beforehand."""
    from scipy.special import gammaln

    half = _ALIKE / 2
    log = half * np.log(half) - gammaln(half)  # log density of a scaled inverse chi-square about 1, a variant
    terms = np.log(by_variant).sum(axis=1)[:, None], (1 / by_variant).sum(axis=1)[:, None]
    log = by_variant.shape[1] * log - (half + 1) * terms[0] - half * terms[1]
    mass = np.exp(log - log.max(axis=1, keepdims=True)).cumsum(axis=1)
    pick = (generator.random((len(mass), 1)) * mass[:, -1:] > mass).sum(axis=1)
    return _ALIKE[np.minimum(pick, len(_ALIKE) - 1)]
