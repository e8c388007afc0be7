"""One model of all effects at all sizes, and what it says about a size that nobody trained.

In percent of the loss (100 times the difference of log losses), of a variant's effect at two sizes, x and y in log10 of the parameters

    cov(effect(x), effect(y)) = spread^2 exp(-|x - y| / memory) + slope^2 walk(x, y)

The first part is the model that public ladders were fitted with (``reliability``): of an effect a share exp(-decades / memory) is left,
the rest is new, with the same spread, about the mean of the variants that contend. The second is the integral, from the middle of the
sizes on, of a slope that forgets itself over ``SLOPE_MEMORY`` decades (`walk`). Held against the ladders, where effects at the largest
size are forecast from smaller ones (`held_effects`; ``study backtest`` prints it), the two together do as well as the better of their
parts, or better: a level and a slope alone draw a line where effects wander, and the first part alone overlooks a rival that comes up
steadily. Only contrasts between variants enter: every size has a common
level of its own.

Beforehand

- ``memory``: what public ladders say of a choice that they did not try (`published_reliability`);
- ``spread``: log-normal about `TYPICAL_SPREAD`, times or over 3.3 (one standard deviation);
- ``slope``: log-normal about 0.3 % in ten times as many parameters, times or over 2.2: Muon over AdamW, 1.4 times fewer tokens at 0.1B
  and 1.1 times at 1.2B (arXiv 2509.02046), is about 1.6 % of the loss in one such step, and most structures move less.

Variants that fail would widen what is expected of the others. Those that do not contend at the largest size (`contending`) have levels
that are free of each other and say nothing of how the others scatter; what they are at the target is carried from their last size, with
no slope of their own. Small models differ more than larger ones, so what is new at the target is no larger than effects are at the
largest size (`spread_of`, as well as it can be told).

Given the three and the noise everything is Gaussian. So: weights of a grid of (spread, memory, slope) at typical noise; pairs of a grid
point and a draw of the noise, weighted by their exact marginal likelihood; and exact draws of the effects given each pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import helmert

from studylib.analysis.reliability import TYPICAL_SPREAD, contending, published_reliability, spread_of

SPREADS = np.geomspace(0.03, 60.0, 14)
SLOPES = np.geomspace(0.03, 9.0, 8)
SPREAD_FACTOR, SLOPE_MEDIAN, SLOPE_FACTOR = 1.2, 0.3, 0.8  # factors: standard deviations of logs
SLOPE_MEMORY = 3.0
MEMORIES = np.geomspace(0.3, 100.0, 10)  # decades
FREE = 20.0  # percent: a level that is free
_SPREAD_ERROR = 1.5  # a few variants tell their spread to no better than this factor
_PAIRS, _REPEATS, _CHUNK = 600, 14, 200


@dataclass(frozen=True)
class EffectDraws:
    """Joint draws, up to a common level at each size.

    Attributes
    ----------
    sizes
        [K, V, S] effects at the sizes trained, percent.
    target
        [K, V] effects at the target.
    slopes
        [K, V] percent in ten times as many parameters, from the smallest to the largest size; 0 with one.
    spread, memory
        [K] percent of the loss, of what is new at the target; and decades of parameters.
    contending
        [V] variants that say how effects scatter.
    """

    sizes: np.ndarray
    target: np.ndarray
    slopes: np.ndarray
    spread: np.ndarray
    memory: np.ndarray
    contending: np.ndarray

    @property
    def spread_median(self) -> float:
        return float(np.median(self.spread))


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

    @property
    def cells(self) -> np.ndarray:
        """[T] number of each trial's variant and size."""
        return self.variant * self.contrasts.shape[2] + self.size

    @property
    def effects(self) -> np.ndarray:
        """[V, S] least-squares effects about the mean of a size; NaN where a variant was not trained."""
        there = np.zeros(self.contrasts.shape[1:], dtype=bool)
        there[self.variant, self.size] = True
        return np.where(there, np.einsum("dvs,d->vs", self.contrasts, self.seen), np.nan)


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


@dataclass(frozen=True)
class _Model:
    """What is seen of the effects, and how it and they scatter.

    ``last`` [V] is each variant's largest size; ``own`` [E, D] are draws of further errors of ``data.seen``; what is new at the
    target scatters by ``most`` percent at most.
    """

    data: Measured
    places: np.ndarray
    size_of: np.ndarray
    by_cell: np.ndarray
    own: np.ndarray | None
    moved: np.ndarray
    last: np.ndarray
    contend: np.ndarray
    most: float

    @classmethod
    def of(cls, data: Measured, places: np.ndarray, noise: np.ndarray, errors: np.ndarray | None) -> _Model:
        size_of = np.argmax(np.abs(data.contrasts).sum(axis=1) > 0, axis=1)  # [D]: a contrast touches one size
        by_cell = np.stack(
            [data.maps[:, data.cells == c] @ data.maps[:, data.cells == c].T for c in range(noise[0].size)]
        )  # [C, D, D]
        own, moved = None, np.zeros((len(size_of), len(size_of)))
        if errors is not None:
            own = np.einsum("dvs,evs->ed", data.contrasts, errors - errors.mean(axis=0))
            moved = own.T @ own / len(own)
        count = data.contrasts.shape[1]
        last = np.array([data.size[data.variant == v].max(initial=0) for v in range(count)])
        largest = data.effects[:, -1]
        there = np.flatnonzero(np.isfinite(largest))
        contend = np.zeros(count, dtype=bool)
        contend[there[contending(largest[there])[0]]] = True
        seeds = np.bincount(data.variant[data.size == data.size.max()], minlength=count)[there]
        error = np.exp(np.log(noise[:, there, -1]).mean(axis=0)) / seeds
        most = _SPREAD_ERROR * spread_of(largest[there], np.sqrt(error + error[0]))
        return cls(data, places, size_of, by_cell, own, moved, last, contend, most)

    def covariance(self, known: np.ndarray, variance: np.ndarray) -> np.ndarray:
        """[n, D, D] of ``data.seen``, from [n, 3] of (spread, memory, slope) and [n, V, S] of the noise."""
        flat = self.data.contrasts.sum(axis=2)  # [D, V]
        alike, free = flat[:, self.contend], flat[:, ~self.contend]
        scatter = self._scattered(known)[:, self.size_of[:, None], self.size_of]
        same = np.equal.outer(self.size_of, self.size_of)
        fixed = self.moved + FREE**2 * same * (free @ free.T)
        luck = np.tensordot(variance.reshape(len(variance), -1), self.by_cell, axes=1)
        return scatter * (alike @ alike.T) + luck + fixed

    def evidence(self, known: np.ndarray, variance: np.ndarray) -> np.ndarray:
        """[n] log densities of what is seen, without the constant."""
        variance = np.broadcast_to(variance, (len(known), *variance.shape[1:]))
        parts = np.array_split(np.arange(len(known)), -(-len(known) // _CHUNK))
        seen = self.data.seen
        return np.concatenate([evidence(self.covariance(known[part], variance[part]), seen) for part in parts])

    def draw(self, known: np.ndarray, variance: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """[n, R, V, P] effects given what is seen: draws from the prior, moved by what they miss of it (Matheron's rule)."""
        data, sizes = self.data, len(self.places) - 1
        prior = self._prior(known)  # [n, V, P, P]
        root = np.linalg.cholesky(prior + 1e-9 * np.eye(sizes + 1))
        shape = (len(known), _REPEATS, prior.shape[1], sizes + 1)
        free = np.einsum("nvpq,nrvq->nrvp", root, generator.standard_normal(shape), optimize=True)
        sigma = np.sqrt(variance.reshape(len(known), -1)[:, data.cells])  # [n, T]
        lucky = sigma[:, None, :] * generator.standard_normal((*shape[:2], len(data.cells)))
        guessed = np.einsum("dvs,nrvs->nrd", data.contrasts, free[..., :sizes], optimize=True) + lucky @ data.maps.T
        if self.own is not None:
            guessed += self.own[generator.integers(0, len(self.own), guessed.shape[:2])]
        pull = np.linalg.solve(self.covariance(known, variance), (data.seen - guessed).transpose(0, 2, 1))  # [n, D, R]
        towards = np.einsum("dvs,ndr->nrvs", data.contrasts, pull, optimize=True)
        return free + np.einsum("nvps,nrvs->nrvp", prior[..., :sizes], towards, optimize=True)

    def _prior(self, known: np.ndarray) -> np.ndarray:
        """[n, V, P, P] covariance of each variant's effects."""
        scatter = self._scattered(known)
        prior = np.repeat(scatter[:, None], len(self.contend), axis=1)
        for v in np.flatnonzero(~self.contend):
            last, there = self.last[v], len(self.places) - 1
            left = self._left(known, last)
            own = np.zeros_like(scatter) + FREE**2 * np.eye(there + 1)
            own[:, there, last] = own[:, last, there] = FREE**2 * left
            own[:, there, there] = FREE**2 * left**2 + self.new(known) ** 2 * (1 - left**2)
            prior[:, v] = own
        return prior

    def _scattered(self, known: np.ndarray) -> np.ndarray:
        """[n, P, P] covariance of the effects of one that contends."""
        found = scattered(known, self.places)
        left = self._left(known, len(self.places) - 2)
        found[:, -1, -1] += (self.new(known) ** 2 - known[:, 0] ** 2) * (1 - left**2)
        return found

    def _left(self, known: np.ndarray, size: int) -> np.ndarray:
        """[n] share of a level at that size that is left at the target."""
        return np.exp(-np.abs(self.places[-1] - self.places[size]) / known[:, 1])

    def new(self, known: np.ndarray) -> np.ndarray:
        """[n] percent by which what is new at the target scatters."""
        return np.minimum(known[:, 0], self.most)


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
    places = np.append(x, target) - (x.min() + x.max()) / 2  # [P], P = S + 1
    model = _Model.of(data, places, noise, errors)
    points, prior = grid(published_reliability().memory)
    typical = np.exp(np.log(noise).mean(axis=0))[None]
    log = model.evidence(points, typical)
    weight = prior * np.exp(log - log.max())
    proposal = 0.8 * weight / weight.sum() + 0.2 * prior
    pick = generator.choice(len(points), _PAIRS, p=proposal)
    known, variance = points[pick], noise[generator.integers(0, len(noise), _PAIRS)]
    log = model.evidence(known, variance) + np.log(prior[pick] / proposal[pick])
    weight = np.exp(log - log.max())
    kept = generator.choice(_PAIRS, _PAIRS, p=weight / weight.sum())
    known, variance = known[kept], variance[kept]
    parts = np.array_split(np.arange(_PAIRS), -(-_PAIRS // _CHUNK))
    found = [model.draw(known[part], variance[part], generator) for part in parts]
    draws = np.concatenate(found).reshape(-1, *found[0].shape[2:])
    sizes, at_target = draws[..., :-1], draws[..., -1]
    spread, memory = np.repeat([model.new(known), known[:, 1]], _REPEATS, axis=1)
    return EffectDraws(sizes, at_target, sizes @ _mean_slope(x), spread, memory, model.contend)


def grid(memory: np.ndarray, slopes: np.ndarray = SLOPES) -> tuple[np.ndarray, np.ndarray]:
    """[G, 3] points (spread, memory, slope) and their prior mass; the memory's is the density of its draws, or one draw itself."""
    own = memory if len(memory) == 1 else MEMORIES
    apart = np.log(own[:, None] / memory) / (0.5 * np.log(MEMORIES[1] / MEMORIES[0]))
    density = np.exp(-0.5 * apart**2).mean(axis=1)
    spread, memory, slope = (axis.ravel() for axis in np.meshgrid(SPREADS, own, slopes, indexing="ij"))
    far = (np.log(spread / TYPICAL_SPREAD) / SPREAD_FACTOR) ** 2
    if len(slopes) > 1:
        far = far + (np.log(slope / SLOPE_MEDIAN) / SLOPE_FACTOR) ** 2
    mass = np.exp(-0.5 * far) * np.broadcast_to(density[:, None], (len(SPREADS), len(own), len(slopes))).ravel()
    return np.stack([spread, memory, slope], axis=-1), mass / mass.sum()


def scattered(known: np.ndarray, place: np.ndarray) -> np.ndarray:
    """[..., P, P] covariance of one variant's effects at ``place`` (decades), from [..., 3] of (spread, memory, slope)."""
    spread, memory, slope = (known[..., i, None, None] for i in range(3))
    return spread**2 * np.exp(-np.abs(place[:, None] - place) / memory) + slope**2 * walk(place)


def walk(place: np.ndarray) -> np.ndarray:
    """[P, P] covariance of the integral of the slope from 0 to ``place`` (decades), for slopes of variance 1."""
    far = np.abs(place) / SLOPE_MEMORY
    same = np.sign(place)[:, None] * np.sign(place) > 0
    both = np.where(same, 2 * np.minimum(far[:, None], far), 0.0)
    apart = np.abs(place[:, None] - place) / SLOPE_MEMORY
    return SLOPE_MEMORY**2 * (both + np.exp(-far)[:, None] + np.exp(-far) - 1 - np.exp(-apart))


def _mean_slope(place: np.ndarray) -> np.ndarray:
    """[S] weights that take values at ``place`` to the mean slope between the smallest and the largest; 0 with one place."""
    weights = np.zeros(len(place))
    low, high = int(place.argmin()), int(place.argmax())
    if place[high] > place[low]:
        weights[high], weights[low] = np.array([1, -1]) / (place[high] - place[low])
    return weights


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
