"""What a run would be worth before it is made: by how much it lessens the regret at the target, in expectation.

Effects of a choice's variants, in percent of the loss about their mean, are normal with the choice's spread at any size. Their
correlation between sizes is that of ``reliability``, averaged over its draws of the memory: a normal process with the averaged
correlation has the mixture's first two moments. Where all sizes of a choice together have said what its effects are at the target
(`hierarchy`), that stands there: the spread is what leaves as much unknown, and what the means differ by moves the sizes in between as
far as they go along with the target (Jeffrey's rule; Jeffrey 1965, The Logic of Decision). What was compared at one size and what a
run would show at another then update each other as normals do, and of a run that was not made it is known how far the means will move,
though not where to (preposterior analysis: Raiffa and Schlaifer 1961; of the value of sample information for a choice among many,
Frazier et al. 2009, doi 10.1287/ijoc.1080.0314).

Arrays are over many choices at once: ``B`` choices, ``P`` places (the size where they were compared, sizes that can be asked for,
the target, in this order), ``V`` variants; what a choice has fewer of is filled up and marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from studylib.errors import invalid

if TYPE_CHECKING:
    from studylib.analysis.reliability import Reliability

_LEVEL = 100.0  # percent: what sizes have in common is not known, and nothing is to be learnt from it
_DRAWS = 256
_OUT = 1e4  # percent: behind by so much is never the best
_OPEN = 0.05


@dataclass(frozen=True)
class SeenChoice:
    """What is known of one choice from where it was compared.

    Attributes
    ----------
    behind, sd
        [V] posterior mean of each variant's loss above the first's, and its SD; percent of the loss, 0 for the first.
    params
        Parameters at that size.
    noise
        SD of one trial there, percent of the loss; taken to be the same at other sizes.
    spread
        SD of true effects over variants of such a choice, percent of the loss; None: `spread_of` those seen.
    there
        [V] of (mean, SD) as above, at the target, by all sizes together; None: carried from this size alone.
    """

    behind: Sequence[float]
    sd: Sequence[float]
    params: float
    noise: float
    spread: float | None = None
    there: Sequence[tuple[float, float]] | None = None


@dataclass(frozen=True)
class Beliefs:
    """Joint normal beliefs about the effects of ``B`` choices.

    Attributes
    ----------
    mean, covariance
        [B, P, V] and [B, P, V, P, V], percent of the loss, up to a level common to a size.
    before
        [B, V, V] covariance at the target before anything was planned: what plans have lessened it by is how far means will move.
    noise
        [B] SD of one trial.
    real
        [B, V] the variants that there are.
    """

    mean: np.ndarray
    covariance: np.ndarray
    before: np.ndarray
    noise: np.ndarray
    real: np.ndarray

    @classmethod
    def of(
        cls, choices: Sequence[SeenChoice], reliability: Reliability, sizes: Sequence[float], target: float
    ) -> Beliefs:
        """Before any run: places are each choice's own size, then ``sizes`` and ``target``, in parameters.

        Raises
        ------
        StudyError
            No choice, a choice with fewer than two variants, or a size that is not positive.
        """
        from studylib.analysis.reliability import spread_of

        if not choices or min(len(one.behind) for one in choices) < 2:
            raise invalid("choices", [len(one.behind) for one in choices], "need two variants or more each")
        places = np.array([[one.params, *sizes, target] for one in choices], dtype=float)
        if not (places > 0).all():
            raise invalid("sizes", places.min(), "is not a positive number of parameters")
        most = max(len(one.behind) for one in choices)
        real = np.array([[v < len(one.behind) for v in range(most)] for one in choices])
        behind, sd = (
            np.array([np.pad(np.asarray(getattr(one, name), dtype=float), (0, most - len(one.sd))) for one in choices])
            for name in ("behind", "sd")
        )
        spread = np.array([spread_of(one.behind, one.sd) if one.spread is None else one.spread for one in choices])
        here = behind - (behind.sum(axis=1) / real.sum(axis=1))[:, None]
        left = _correlation(reliability, places)  # [B, P, P]
        with_seen = left[:, 0]  # [B, P]
        new = left - with_seen[:, :, None] * with_seen[:, None, :]
        errors = _errors(sd, real)
        there = {n: _about_mean(one.there) for n, one in enumerate(choices) if one.there is not None}
        for n, (_, unknown) in there.items():
            spread[n] = _spread_left(errors[n, real[n]], with_seen[n, -1], unknown)
        both_seen = with_seen[:, :, None] * with_seen[:, None, :]
        # [B, V, P, P]; variants are independent, up to what sizes have in common
        own = (spread**2)[:, None, None, None] * new[:, None] + both_seen[:, None] * errors[:, :, None, None]
        mean = with_seen[:, :, None] * here[:, None, :]
        for n, (known, unknown) in there.items():
            real_ones = slice(len(known))
            mean[n, :, real_ones], own[n, real_ones] = _at_target(
                mean[n, :, real_ones], own[n, real_ones], known, unknown
            )
        covariance = np.einsum("bvpq,vw->bpvqw", own, np.eye(most))
        covariance += _LEVEL**2 * np.eye(places.shape[1])[None, :, None, :, None]
        both = real[:, None, :, None, None] & real[:, None, None, None, :]
        covariance = np.where(both, covariance, 0.0)
        mean = np.where(real[:, None, :], mean, _OUT)
        noise = np.array([one.noise for one in choices], dtype=float)
        return cls(mean, covariance, covariance[:, -1, :, -1, :], noise, real)

    def padded(self, more: int) -> Beliefs:
        """With room for more variants, none of which is there."""
        wide = [(0, 0)] * 2 + [(0, more)]
        covariance = np.pad(self.covariance, [(0, 0), (0, 0), (0, more), (0, 0), (0, more)])
        mean = np.pad(self.mean, wide, constant_values=_OUT)
        before = np.pad(self.before, [(0, 0), (0, more), (0, more)])
        return Beliefs(mean, covariance, before, self.noise, np.pad(self.real, wide[1:]))

    def take(self, rows: np.ndarray | Sequence[int]) -> Beliefs:
        """Some of the choices."""
        return Beliefs(*(getattr(self, name)[rows] for name in ("mean", "covariance", "before", "noise", "real")))

    def put(self, rows: np.ndarray | Sequence[int], other: Beliefs) -> Beliefs:
        """With other beliefs about some of the choices."""
        changed = {}
        for name in ("mean", "covariance", "before"):
            changed[name] = getattr(self, name).copy()
            changed[name][rows] = getattr(other, name)
        return replace(self, **changed)

    def planned(self, place: int, seeds: int | np.ndarray, variants: np.ndarray | None = None) -> Beliefs:
        """With runs whose outcome is not known: ``seeds`` (one number or [B]) of ``variants`` ([B, V], default all) at a place."""
        gain, _ = self._gain(place, seeds, variants)
        seen = self.covariance[:, place]  # [B, V, P, V]
        return replace(self, covariance=self.covariance - np.einsum("bpvw,bwqu->bpvqu", gain, seen))

    def seen(
        self, place: int, seeds: int | np.ndarray, values: np.ndarray, variants: np.ndarray | None = None
    ) -> Beliefs:
        """With runs that were made: ``values`` [B, V] are means over the seeds, percent of the loss, up to a common level."""
        gain, asked = self._gain(place, seeds, variants)
        surprise = np.where(asked, values - self.mean[:, place], 0.0)
        covariance = self.covariance - np.einsum("bpvw,bwqu->bpvqu", gain, self.covariance[:, place])
        mean = self.mean + np.einsum("bpvw,bw->bpv", gain, surprise)
        return replace(self, mean=mean, covariance=covariance, before=covariance[:, -1, :, -1, :])

    def _gain(self, place: int, seeds: int | np.ndarray, variants: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """[B, P, V, V] how beliefs move with what is seen at the place, and [B, V] what is."""
        asked = self.real if variants is None else self.real & variants
        count = np.broadcast_to(np.asarray(seeds, dtype=float), self.noise.shape)
        own = self.covariance[:, place, :, place, :]
        error = np.where(asked, (self.noise**2 / count)[:, None] + 1e-10, 1e12)
        inverse = np.linalg.inv(own + error[:, :, None] * np.eye(own.shape[1]))
        return np.einsum("bpvw,bwu->bpvu", self.covariance[:, :, :, place, :], inverse), asked

    @property
    def best(self) -> np.ndarray:
        """[B] the variant to choose at the target now."""
        return self.mean[:, -1].argmin(axis=1)

    @cached_property
    def hoped(self) -> np.ndarray:
        """[B] expected loss at the target of what will be chosen there, once what is planned has been seen."""
        return _least(self.mean[:, -1], self.before - self.covariance[:, -1, :, -1, :], self.real)

    @cached_property
    def regret(self) -> np.ndarray:
        """[B] expected regret at the target once what is planned has been seen; nothing planned: by choosing now."""
        return np.maximum(self.hoped - _least(self.mean[:, -1], self.before, self.real), 0.0)

    @cached_property
    def open(self) -> np.ndarray:
        """[B, V] the best variant at the target and those that are better with more than 5 %; where none is, the nearest one."""
        rows = np.arange(len(self.mean))
        now = self.covariance[:, -1, :, -1, :]
        mean = self.mean[:, -1] - self.mean[rows, -1, self.best][:, None]
        own = now[rows, self.best, self.best]
        variance = np.einsum("bvv->bv", now) + own[:, None] - 2 * now[rows, self.best]
        sd = np.sqrt(np.maximum(variance, 1e-12))
        far = np.where(np.arange(mean.shape[1]) == self.best[:, None], -np.inf, mean / sd)
        found = self.real & (far < -_quantile(_OPEN))
        alone = found.sum(axis=1) < 2
        second = np.where(np.isfinite(far) & self.real, far, np.inf).argmin(axis=1)
        found[rows[alone], second[alone]] = True
        return found


def allocate(gains: np.ndarray, costs: np.ndarray, budget: np.ndarray | float) -> np.ndarray:
    """[..., C] the offer to take of each choice, or -1, so that gains are largest for what the budget buys.

    One price of compute for all choices: each takes the offer whose gain exceeds its cost at that price the most, and the price is
    the lowest at which all are paid for (Lagrange relaxation of the multiple-choice knapsack; Sinha and Zoltners 1979,
    doi 10.1287/opre.27.3.503).

    Parameters
    ----------
    gains, costs
        [..., C, O] of every choice's offers; costs above 0.
    budget
        [...] or one number.
    """
    gains, costs = np.asarray(gains, dtype=float), np.asarray(costs, dtype=float)
    low, high = np.full(gains.shape[:-2], -60.0), np.full(gains.shape[:-2], 60.0)  # log of the price

    def taken(log: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        net = gains - np.exp(log)[..., None, None] * costs
        pick = net.argmax(axis=-1)
        good = np.take_along_axis(net, pick[..., None], axis=-1)[..., 0] > 0
        spent = np.where(good, np.take_along_axis(costs, pick[..., None], axis=-1)[..., 0], 0.0).sum(axis=-1)
        return np.where(good, pick, -1), spent

    for _ in range(60):
        middle = (low + high) / 2
        fits = taken(middle)[1] <= budget
        low, high = np.where(fits, low, middle), np.where(fits, middle, high)
    return taken(high)[0]


def _quantile(share: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(share))


def _correlation(reliability: Reliability, places: np.ndarray) -> np.ndarray:
    """[B, P, P] mean correlation of true effects between sizes."""
    apart = np.abs(np.log10(places)[:, :, None] - np.log10(places)[:, None, :])
    known, place = np.unique(np.round(apart, 6), return_inverse=True)
    memory = reliability.memory[:: max(1, len(reliability.memory) // 1000)]
    return np.exp(-known[:, None] / memory).mean(axis=1)[place].reshape(apart.shape)


def _about_mean(there: Sequence[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """[V] means and variances about the variants' mean, from means and SDs behind the first."""
    behind, sd = np.array(there, dtype=float).T
    return behind - behind.mean(), _errors(sd[None], np.ones((1, len(sd)), dtype=bool))[0]


def _spread_left(errors: np.ndarray, left: float, unknown: np.ndarray) -> float:
    """Spread of effects with which as much is unknown at the target as all sizes together leave, of ``errors`` [V] at the size seen.

    So what a run at a size in between would leave open grows with it: it is not one that the smaller sizes have settled.
    """
    new = unknown.mean() - left**2 * errors.mean()
    return float(np.sqrt(max(new, 0.0) / max(1 - left**2, 1e-9)))


def _at_target(
    mean: np.ndarray, covariance: np.ndarray, known: np.ndarray, unknown: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """[P, V] and [V, P, P] with [V] means and variances at the last place, and the others as they go along with it."""
    along = covariance[:, :, -1] / covariance[:, -1, -1, None]  # [V, P]
    moved, wider = known - mean[-1], unknown - covariance[:, -1, -1]
    return mean + along.T * moved, covariance + wider[:, None, None] * along[:, :, None] * along[:, None, :]


def _errors(sd: np.ndarray, real: np.ndarray) -> np.ndarray:
    """[B, V] variances of means behind the first: half the least variance of a difference is the first's own error."""
    others = np.where(real, sd**2, np.inf)
    others[:, 0] = np.inf
    first = others.min(axis=1) / 2
    own = np.maximum(sd**2 - first[:, None], 0.0)
    own[:, 0] = first
    return np.where(real, own, 0.0)


def _least(mean: np.ndarray, covariance: np.ndarray, real: np.ndarray) -> np.ndarray:
    """[B] expectation of the least of normals, without what they have in common; the same draws for all, so that differences are smooth."""
    count = real.sum(axis=1)[:, None, None]
    centre = np.where(real[:, :, None] & real[:, None, :], np.eye(real.shape[1]) - 1 / count, 0.0)
    values, vectors = np.linalg.eigh(centre @ covariance @ centre)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ vectors.swapaxes(
        1, 2
    )  # the symmetric one: it is smooth
    drawn = mean[:, None, :] + _normals(mean.shape[1]) @ root
    return drawn.min(axis=2).mean(axis=1)


@cache
def _normals(count: int) -> np.ndarray:
    """[K, count] evenly spread over the normal distribution: of as many random draws the error would be five times as large."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    return ndtri(qmc.Sobol(count, seed=0).random(_DRAWS))
