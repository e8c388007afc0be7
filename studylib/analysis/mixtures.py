"""The loss over mixtures: a Scheffé model with a posterior over the whole simplex.

    loss(x) = sum b_i x_i  +  sum c_ij 4 x_i x_j  +  what a quadratic cannot be,  and a common part of each seed

(Scheffé 1958, doi 10.1111/j.2517-6161.1958.tb00299.x). Every term is scaled to reach 1 on the simplex. The last one has cubic blends
and ``sqrt(x_i) - x_i``: a kind that is left out altogether is missed far more than the next few percent of it (losses fall as a power
of the amount), which bends a surface near its edges more than any quadratic.

In percent of the mean loss, ``b ~ Normal(0, tau_1)``, ``c ~ Normal(0, tau_2)``, the rest ``Normal(0, tau_3)``; beforehand the three are
halves of Student's t with 3 degrees of freedom and scales 5 %, 3 %, and a fifth of ``tau_2``: what is beyond a quadratic is less than
the quadratic. So few mixtures do not blow the surface up, and many overrule the prior. Only contrasts
between mixtures enter, with their seeds' common parts taken out; noise is drawn as everywhere else (``seed_effects``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import polars as pl
from scipy import stats

from studylib.analysis.hierarchy import evidence, measured
from studylib.analysis.posterior import Standing
from studylib.analysis.seed_effects import draw_noise
from studylib.analysis.twoway import fit_two_way
from studylib.errors import invalid

SCALES, BEYOND, LEAST = (5.0, 3.0), 0.2, 0.5
REGION = 0.9
_TAUS = np.geomspace(0.03, 100.0, 14)
_PAIRS, _REPEATS = 400, 10
_STEPS = {2: 100, 3: 40, 4: 20, 5: 10}  # of the lattice that stands for the simplex
# How far, in shares, a draw's optimum counts for its neighbours too (on a coarse lattice 1.5 steps). Less, and of two kinds the region
# holds the optimum in 83 % of studies instead of 90, where losses are sums of powers.
_NEAR = 0.05


@dataclass(frozen=True)
class MixtureSurface:
    """Joint draws of the loss over mixtures.

    Attributes
    ----------
    kinds
        [k] names.
    variants, designed, losses
        [V] names of the mixtures that were tried, their [V, k] shares and their mean losses at the average seed.
    lattice
        [L, k] shares that stand for the whole simplex.
    coefficients
        [K, terms] draws of the coefficients of `terms`, percent of ``level``.
    level
        Mean of ``losses``.
    misfit
        p of the quadratic's lack of fit against the seeds' noise (F test); None where the mixtures are too few to tell.
    """

    kinds: tuple[str, ...]
    variants: tuple[str, ...]
    designed: np.ndarray
    losses: np.ndarray
    lattice: np.ndarray
    coefficients: np.ndarray
    level: float
    misfit: float | None

    def at(self, shares: np.ndarray) -> np.ndarray:
        """[K, N] draws of the loss of [N, k] mixtures, in units of the metric, each at the level that was measured."""
        draws = self.coefficients @ np.hstack(terms(shares)).T
        # Contrasts say nothing of the common level.
        common = self.coefficients @ np.hstack(terms(self.designed)).mean(axis=0)
        return self.level * (1 + (draws - common[:, None]) / 100)

    @cached_property
    def at_lattice(self) -> np.ndarray:
        """[K, L]"""
        return self.at(self.lattice)

    @cached_property
    def predicted(self) -> np.ndarray:
        """[L] mean of the draws."""
        return self.at_lattice.mean(axis=0)

    @cached_property
    def best(self) -> np.ndarray:
        """[K] place on the lattice of each draw's lowest loss."""
        return self.at_lattice.argmin(axis=1)

    def density(self, shares: np.ndarray) -> np.ndarray:
        """[N] how likely the optimum is near [N, k] mixtures, up to a factor: a place between two draws is as likely as they are."""
        seen, count = np.unique(self.best, return_counts=True)
        gaps = ((np.asarray(shares)[:, None] - self.lattice[None, seen]) ** 2).sum(axis=-1)
        return np.exp(-gaps / (2 * max(_NEAR, 1.5 / _STEPS[len(self.kinds)]) ** 2)) @ count

    @cached_property
    def bound(self) -> float:
        """The `density` at the border of the smallest region where the optimum lies with probability `REGION`."""
        found = np.sort(self.density(self.lattice))[::-1]
        return float(found[int(np.searchsorted(np.cumsum(found) / found.sum(), REGION))])

    @property
    def region(self) -> np.ndarray:
        """[L] that region."""
        return self.density(self.lattice) >= self.bound

    @property
    def shares(self) -> list[tuple[float, float, float]]:
        """Of every kind, its share at the optimum: 5 % quantile, mean, 95 % quantile."""
        found = self.lattice[self.best]
        low, high = np.quantile(found, [(1 - REGION) / 2, (1 + REGION) / 2], axis=0)
        return [tuple(map(float, one)) for one in zip(low, found.mean(axis=0), high, strict=True)]

    @property
    def use(self) -> np.ndarray:
        """[k] the mixture with the least expected regret."""
        return self.lattice[int(self.predicted.argmin())]

    @property
    def standing(self) -> Standing:
        """Of the mixtures that were tried, among themselves."""
        return Standing.of(self.at(self.designed))

    def regret(self, shares: Sequence[float] | np.ndarray) -> float:
        """Expected loss given away by this mixture against the best of all, percent of the loss."""
        own = self.at(np.atleast_2d(shares))[:, 0]
        return float(100 / self.level * np.maximum(own - self.at_lattice.min(axis=1), 0.0).mean())

    def beats(self, shares: Sequence[float] | np.ndarray, other: Sequence[float] | np.ndarray) -> float:
        """Probability that one mixture's loss is below another's."""
        own, others = self.at(np.array([shares, other])).T
        return float((own < others).mean())


def share_columns(kinds: Sequence[str]) -> list[str]:
    """Of a table of trials, where the shares of these kinds stand."""
    return [f"share of {kind}" for kind in kinds]


def fit_mixture(
    trials: pl.DataFrame, kinds: Sequence[str], metric: str = "val_bpb", *, random_seed: int = 0
) -> MixtureSurface:
    """The surface that the finished trials of one size are evidence of.

    Parameters
    ----------
    trials
        ``variant``, ``seed``, ``metric`` and `share_columns` of ``kinds``, which add up to 1.

    Raises
    ------
    StudyError
        Not two to five kinds, shares that are not those of a mixture, or too few trials (see ``fit_two_way``).
    """
    columns = share_columns(kinds)
    if len(kinds) not in _STEPS:
        raise invalid("kinds", list(kinds), "are not two to five")
    fit = fit_two_way(trials, metric)
    shares = {str(row[0]): np.array(row[1:], dtype=float) for row in trials.select("variant", *columns).unique().rows()}
    designed = np.array([shares[name] for name in fit.variants])
    for name, own in zip(fit.variants, designed, strict=True):
        if not np.isfinite(own).all() or (own < 0).any() or abs(own.sum() - 1) > 1e-6:
            raise invalid("shares", dict(zip(kinds, own.tolist(), strict=True)), f"of {name} do not add up to 1")
    generator = np.random.default_rng(random_seed)
    level = float(fit.effects.mean())
    variant, seed = np.nonzero(np.isfinite(fit.values))
    y = fit.values[variant, seed] / level * 100
    data = measured(y, variant, np.zeros_like(variant), seed)
    noise = draw_noise(y, variant, np.zeros_like(variant), seed, draws=_PAIRS, generator=generator).variance[:, :, 0]
    return MixtureSurface(
        kinds=tuple(kinds), variants=fit.variants, designed=designed, losses=fit.effects,
        lattice=simplex(len(kinds), _STEPS[len(kinds)]),
        coefficients=_coefficients(data.seen, data.contrasts[:, :, 0], data.maps, variant, noise, terms(designed), generator),
        level=level, misfit=_lack_of_fit(y, variant, seed, designed),
    )  # fmt: skip


def simplex(kinds: int, steps: int) -> np.ndarray:
    """[L, kinds] all shares in ``steps`` equal parts."""
    bars = np.array(list(combinations(range(steps + kinds - 1), kinds - 1)))
    ends = np.hstack([np.full((len(bars), 1), -1), bars, np.full((len(bars), 1), steps + kinds - 1)])
    return (np.diff(ends, axis=1) - 1) / steps


def terms(shares: np.ndarray) -> list[np.ndarray]:
    """[N, k] shares as the model's three blocks of terms, each term 1 where it is largest: linear, quadratic, beyond."""
    x = np.asarray(shares, dtype=float)
    pairs, triples = (list(combinations(range(x.shape[1]), size)) for size in (2, 3))
    blends = np.array([4 * x[:, i] * x[:, j] for i, j in pairs]).T
    beyond = [
        4 * (np.sqrt(x) - x),
        *([] if not triples else [np.array([27 * x[:, list(one)].prod(axis=1) for one in triples]).T]),
    ]
    beyond.append(np.array([6 * 3**0.5 * x[:, i] * x[:, j] * (x[:, i] - x[:, j]) for i, j in pairs]).T)
    return [x, blends, np.hstack(beyond)]


def _coefficients(
    seen: np.ndarray, contrasts: np.ndarray, maps: np.ndarray, variant: np.ndarray, noise: np.ndarray,
    blocks: list[np.ndarray], generator: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """[K, terms] draws given [D] contrasts of the trials; taus and noise are drawn by their exact marginal likelihood."""
    grid, prior = _grid()
    parts = np.stack([(own := contrasts @ block) @ own.T for block in blocks])  # [3, D, D]
    by_variant = np.stack([maps[:, variant == v] @ maps[:, variant == v].T for v in range(noise.shape[1])])

    def covariance(taus: np.ndarray, variance: np.ndarray) -> np.ndarray:
        return np.tensordot(taus**2, parts, axes=1) + np.tensordot(variance, by_variant, axes=1)

    typical = np.exp(np.log(noise).mean(axis=0))[None]
    log = evidence(covariance(grid, typical), seen)
    weight = prior * np.exp(log - log.max())
    proposal = 0.8 * weight / weight.sum() + 0.2 * prior
    pick = generator.choice(len(grid), _PAIRS, p=proposal)
    taus, variance = grid[pick], noise[generator.integers(0, len(noise), _PAIRS)]
    log = evidence(covariance(taus, variance), seen) + np.log(prior[pick] / proposal[pick])
    weight = np.exp(log - log.max())
    kept = generator.choice(_PAIRS, _PAIRS, p=weight / weight.sum())
    taus, variance = taus[kept], variance[kept]

    design = contrasts @ np.hstack(blocks)  # [D, P]
    sd = np.repeat(taus, [block.shape[1] for block in blocks], axis=1)[:, None]  # [n, 1, P]
    free = sd * generator.standard_normal((_PAIRS, _REPEATS, design.shape[1]))
    lucky = np.sqrt(variance[:, None, variant]) * generator.standard_normal((_PAIRS, _REPEATS, len(variant)))
    missed = seen - free @ design.T - lucky @ maps.T
    pull = np.linalg.solve(covariance(taus, variance), missed.transpose(0, 2, 1))  # [n, D, R]
    return (free + sd**2 * (pull.transpose(0, 2, 1) @ design)).reshape(-1, design.shape[1])


def _grid() -> tuple[np.ndarray, np.ndarray]:
    """[G, 3] scales of the blocks and their prior mass: density times spacing."""
    grid = np.stack(np.meshgrid(_TAUS, _TAUS, _TAUS, indexing="ij"), axis=-1).reshape(-1, 3)
    scales = np.stack(
        [*np.broadcast_to(np.array(SCALES)[:, None], (2, len(grid))), BEYOND * np.hypot(grid[:, 1], LEAST)], axis=1
    )
    mass = (grid / scales / (1 + (grid / scales) ** 2 / 3) ** 2).prod(axis=1)  # spacing is in proportion to the value
    return grid, mass / mass.sum()


def _lack_of_fit(y: np.ndarray, variant: np.ndarray, seed: np.ndarray, designed: np.ndarray) -> float | None:
    """p of Scheffé's quadratic against one mean a mixture, both with seeds as blocks."""
    of_seed = np.eye(int(seed.max()) + 1)[seed]
    left, free = [], []
    for columns in (np.hstack(terms(designed)[:2])[variant], np.eye(len(designed))[variant]):
        design = np.hstack([columns, of_seed])
        solution, _, rank, _ = np.linalg.lstsq(design, y - y.mean(), rcond=None)
        left.append(float(((y - y.mean() - design @ solution) ** 2).sum()))
        free.append(len(y) - int(rank))
    more = free[0] - free[1]
    if more < 1 or free[1] < 1 or left[1] <= 0:
        return None
    return float(stats.f.sf((left[0] - left[1]) / more / (left[1] / free[1]), more, free[1]))
