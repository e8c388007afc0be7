"""One model of all effects at all sizes, and what it says about a size that nobody trained.

    effect[v](N) = m[v] + integral of s[v] from N_ref to N, over log10 of the parameters + d[v, N]
    m ~ Normal(0, tau_m),  s ~ Normal(0, tau_s) at any size,  d ~ Normal(0, tau_d)

in percent of the loss (100 times the difference of log losses). Only contrasts between variants enter: every size has a common
level of its own. ``N_ref`` is the middle of the sizes, where level and slope of a variant are measured independently of each other.
The slope ``s`` need not stay what it was: it forgets itself over ``MEMORY`` decades (correlation exp(-distance / MEMORY), an
Ornstein-Uhlenbeck process). A line that goes on for ever and an effect that levels off are then both possible, and the further away
the target, the less the slope that was seen says about it.

How far the three scatter is not known. Beforehand

- ``tau_m`` half-Cauchy, 3 % of the loss: the size of differences published for shapes and structures;
- ``tau_s`` log-normal, 0.3 % in ten times as many parameters, times or over 2.2: Muon over AdamW, 1.4 times fewer tokens at 0.1B and
  1.1 times at 1.2B (arXiv 2509.02046), is about 1.6 % of the loss in one such step, and most structures move less. It is never zero
  (where ten variants do not move, an eleventh still may) and grows with ``tau_m`` (`typical_slope`);
- ``tau_d`` half of a Student's t with 3 degrees of freedom, 0.15 %: a size's own luck with what was not tuned there.

Given the three and the noise everything is Gaussian. So: weights of a grid of (tau_m, tau_s, tau_d) at typical noise; pairs of a
grid point and a draw of the noise, weighted by their exact marginal likelihood; and exact draws of the effects given each pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEVELS = np.geomspace(0.03, 60.0, 10)
SLOPES = np.geomspace(0.03, 9.0, 12)
OWN = np.geomspace(0.02, 3.0, 8)
LEVEL_SCALE, SLOPE_MEDIAN, SLOPE_SPREAD, OWN_SCALE = 3.0, 0.3, 0.8, 0.15
OWN_DEGREES = 3
MEMORY = 3.0
_PAIRS, _REPEATS, _CHUNK = 600, 14, 200


@dataclass(frozen=True)
class EffectDraws:
    """Joint draws, up to a common level at each size.

    Attributes
    ----------
    sizes
        [K, V, S] effects at the sizes trained, percent.
    target
        [K, V] effects at the target, with a deviation of its own.
    slopes
        [K, V] percent in ten times as many parameters, from the smallest to the largest size; 0 with one.
    taus
        [K, 3] ``tau_m, tau_s, tau_d``.
    """

    sizes: np.ndarray
    target: np.ndarray
    slopes: np.ndarray
    taus: np.ndarray


@dataclass(frozen=True)
class Measured:
    """What the trials say, as contrasts: ``maps @ y`` where ``maps`` [D, T] removes seeds and common levels.

    ``contrasts`` [D, V, S] is the same of the effects: ``maps @ y = sum(contrasts * effects) + maps @ noise``.
    """

    y: np.ndarray
    variant: np.ndarray
    size: np.ndarray
    maps: np.ndarray
    contrasts: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        return self.maps @ self.y


def measured(y: np.ndarray, variant: np.ndarray, size: np.ndarray, seed: np.ndarray) -> Measured:
    """Least-squares effects of every size, without its common level.

    Parameters
    ----------
    y, variant, size, seed
        [T] values and numbers of their variant, size and seed. Every size has two variants or more that share seeds.
    """
    variants, sizes = int(variant.max()) + 1, int(size.max()) + 1
    maps, contrasts = [], []
    for n in range(sizes):
        rows = np.flatnonzero(size == n)
        here, place = np.unique(variant[rows], return_inverse=True)
        seeds, group = np.unique(seed[rows], return_inverse=True)
        design = np.hstack([np.eye(len(here))[place], np.eye(len(seeds))[group]])
        basis = helmert(len(here))
        own = np.zeros((len(here) - 1, len(y)))
        own[:, rows] = basis @ np.linalg.pinv(design)[: len(here)]
        of_effects = np.zeros((len(here) - 1, variants, sizes))
        of_effects[:, here, n] = basis
        maps.append(own)
        contrasts.append(of_effects)
    return Measured(y, variant, size, np.concatenate(maps), np.concatenate(contrasts))


def draw_effects(
    data: Measured,
    x: np.ndarray,
    target: float,
    noise: np.ndarray,
    *,
    errors: np.ndarray | None = None,
    generator: np.random.Generator,
) -> EffectDraws:
    """Draws of all effects given the trials.

    Parameters
    ----------
    x, target
        [S] log10 of the parameters of the sizes, and that of the target.
    noise
        [J, V, S] draws of the variance of one trial (`draw_noise`), percent squared.
    errors
        [E, V, S] draws of further errors of the cells' effects, percent: of moves between accountings.
    """
    place = np.append(x, target) - (x.min() + x.max()) / 2  # [P], P = S + 1
    walked, rise = walk(place), np.append(_mean_slope(place[:-1]), 0.0)
    values, vectors = np.linalg.eigh(walked)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    size_of = np.argmax(np.abs(data.contrasts).sum(axis=1) > 0, axis=1)  # [D]
    flat = data.contrasts.sum(axis=2)  # [D, V]: a contrast touches one size
    alike = flat @ flat.T  # [D, D]
    cells = data.variant * len(x) + data.size
    by_cell = np.stack(
        [data.maps[:, cells == c] @ data.maps[:, cells == c].T for c in range(noise[0].size)]
    )  # [C, D, D]
    moved = np.zeros_like(alike)
    if errors is not None:
        own = np.einsum("dvs,evs->ed", data.contrasts, errors - errors.mean(axis=0))
        moved = own.T @ own / len(own)
    seen = data.seen

    def covariance(taus: np.ndarray, variance: np.ndarray) -> np.ndarray:
        """[n, D, D] of ``seen``, from [n, 3] and [n, V, S]."""
        inner = _prior(taus, walked[:-1, :-1])[:, size_of[:, None], size_of]
        return inner * alike + np.tensordot(variance.reshape(len(variance), -1), by_cell, axes=1) + moved

    grid, prior = _grid()
    typical = np.exp(np.log(noise).mean(axis=0))[None]
    log = np.concatenate(
        [evidence(covariance(part, typical), seen) for part in np.array_split(grid, -(-len(grid) // _CHUNK))]
    )
    weight = prior * np.exp(log - log.max())
    proposal = 0.8 * weight / weight.sum() + 0.2 * prior
    pick = generator.choice(len(grid), _PAIRS, p=proposal)
    taus, variance = grid[pick], noise[generator.integers(0, len(noise), _PAIRS)]
    parts = np.array_split(np.arange(_PAIRS), -(-_PAIRS // _CHUNK))
    log = np.concatenate([evidence(covariance(taus[part], variance[part]), seen) for part in parts])
    log += np.log(prior[pick] / proposal[pick])
    weight = np.exp(log - log.max())
    kept = generator.choice(_PAIRS, _PAIRS, p=weight / weight.sum())
    taus, variance = taus[kept], variance[kept]

    found = []
    for part in parts:
        own_taus, own_variance = taus[part], variance[part]
        shape = (len(part), _REPEATS, data.contrasts.shape[1])
        level, slope, luck = (own_taus[:, i, None, None, None] for i in range(3))
        moves = slope * (generator.standard_normal((*shape, len(place))) @ root.T)  # [n, R, V, P]
        free = level * generator.standard_normal((*shape, 1)) + moves
        free = free + luck * generator.standard_normal(free.shape)
        sigma = np.sqrt(own_variance.reshape(len(part), -1)[:, cells])  # [n, T]
        lucky = sigma[:, None, :] * generator.standard_normal((len(part), _REPEATS, len(cells)))
        guessed = np.einsum("dvs,nrvs->nrd", data.contrasts, free[..., :-1], optimize=True) + lucky @ data.maps.T
        if errors is not None:
            guessed += own[generator.integers(0, len(own), guessed.shape[:2])]
        full = covariance(own_taus, own_variance)
        pull = np.linalg.solve(full, (seen - guessed).transpose(0, 2, 1))  # [n, D, R]
        towards = np.einsum("dvs,ndr->nrvs", data.contrasts, pull, optimize=True)
        # how far a variant's effects, and its slope without the sizes' own luck, follow what is seen of it at each size
        follows = _prior(own_taus, walked)[:, :, : len(x)]  # [n, P, S]
        moving = own_taus[:, 1, None, None] ** 2 * (rise @ walked)[None, None, : len(x)]
        both = np.concatenate([free, (moves @ rise)[..., None]], axis=-1)
        follows = np.concatenate([follows, moving], axis=1)
        found.append(both + np.einsum("nks,nrvs->nrvk", follows, towards, optimize=True))
    draws = np.concatenate(found).reshape(-1, *found[0].shape[2:])
    return EffectDraws(
        draws[..., : len(x)], draws[..., len(x)], draws[..., len(x) + 1], np.repeat(taus, _REPEATS, axis=0)
    )


def helmert(count: int) -> np.ndarray:
    """[count-1, count] orthonormal rows, each of which sums to 0."""
    rows = np.zeros((count - 1, count))
    for i in range(1, count):
        rows[i - 1, :i] = 1.0
        rows[i - 1, i] = -i
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def typical_slope(level: np.ndarray | float) -> np.ndarray | float:
    """Median of ``tau_s`` given ``tau_m``: where effects are larger than usual, so is what they gain or lose with size."""
    return SLOPE_MEDIAN * np.hypot(1.0, np.asarray(level) / LEVEL_SCALE)


def _grid() -> tuple[np.ndarray, np.ndarray]:
    """[G, 3] points and their prior mass: density times the spacing of each axis."""
    level, slope, own = np.meshgrid(LEVELS, SLOPES, OWN, indexing="ij")
    mass = np.gradient(LEVELS)[:, None, None] / (1 + (level / LEVEL_SCALE) ** 2)
    steps = np.log(slope / typical_slope(level)) / SLOPE_SPREAD
    mass = mass * np.gradient(np.log(SLOPES))[:, None] * np.exp(-0.5 * steps**2)
    mass = mass * np.gradient(OWN) * (1 + (own / OWN_SCALE) ** 2 / OWN_DEGREES) ** (-(OWN_DEGREES + 1) / 2)
    return np.stack([level, slope, own], axis=-1).reshape(-1, 3), (mass / mass.sum()).ravel()


def walk(place: np.ndarray) -> np.ndarray:
    """[P, P] covariance of the integral of the slope from 0 to ``place`` (decades), for slopes of variance 1."""
    far = np.abs(place) / MEMORY
    same = np.sign(place)[:, None] * np.sign(place) > 0
    both = np.where(same, 2 * np.minimum(far[:, None], far), 0.0)
    apart = np.abs(place[:, None] - place) / MEMORY
    return MEMORY**2 * (both + np.exp(-far)[:, None] + np.exp(-far) - 1 - np.exp(-apart))


def _mean_slope(place: np.ndarray) -> np.ndarray:
    """[S] weights that take values at ``place`` to the mean slope between the smallest and the largest; 0 with one place."""
    weights = np.zeros(len(place))
    low, high = int(place.argmin()), int(place.argmax())
    if place[high] > place[low]:
        weights[high], weights[low] = np.array([1, -1]) / (place[high] - place[low])
    return weights


def _prior(taus: np.ndarray, walked: np.ndarray) -> np.ndarray:
    """[n, P, P] covariance of one variant's effects, from `walk` of their places."""
    level, slope, own = (taus[:, i, None, None] ** 2 for i in range(3))
    return level + slope * walked + own * np.eye(len(walked))


def evidence(covariance: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """[n] log densities of ``seen`` under Normal(0, covariance), without the constant."""
    # one factorisation gives both: the last row of the bordered matrix's is what whitens ``seen``
    count = len(seen)
    bordered = np.empty((len(covariance), count + 1, count + 1))
    bordered[:, :count, :count] = covariance
    bordered[:, count, :count] = bordered[:, :count, count] = seen
    bordered[:, count, count] = 1e300
    lower = np.linalg.cholesky(bordered)
    return -np.log(np.diagonal(lower, axis1=1, axis2=2)[:, :count]).sum(axis=1) - 0.5 * (
        lower[:, count, :count] ** 2
    ).sum(axis=1)
