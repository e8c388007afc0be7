"""The noise floor at every size, and what it will be at the next one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import special, stats

from studylib.analysis.finished import typical_params
from studylib.analysis.next_run import MOST_SEEDS
from studylib.analysis.noise import minimum_detectable_effect, typical_noise
from studylib.analysis.twoway import TwoWay, finished, fit_two_way
from studylib.errors import StudyError

Interval = tuple[float, float, float]  # low, middle, high
# Prior SD of the power of the size by which the SD in percent changes: from half a percent at 1e5 parameters to the 0.035 % of
# published reruns at 1e9 it is -0.28.
_POWER = 0.3
# Variance of the log SD of one size about that power law: a size's factor in variance is one of 6 degrees of freedom, as in
# ``seed_effects``.
_OWN = float(special.polygamma(1, 3.0)) / 4


@dataclass(frozen=True)
class SizeNoise:
    """The noise of one trial at one size.

    Attributes
    ----------
    params
        Non-embedding parameters of the typical variant (the lower median).
    loss
        Mean of the metric (bits per byte).
    seeds
        The median over variants.
    comparisons
        Variants but one.
    paired, unpaired
        SD of a typical variant's trial, seeds' common effects taken out, and over seeds alone: percent of the loss, 95 %.
    dof
        Degrees of freedom behind ``paired``.
    """

    size: str
    params: float
    loss: float
    seeds: int
    comparisons: int
    paired: Interval
    unpaired: Interval
    dof: float


@dataclass(frozen=True)
class NextNoise:
    """What to expect of a size that was not trained: ``paired`` in percent of its loss, 95 %; ``seeds`` to see an effect of so many percent, for
    its ends and its middle (None: more than 200)."""

    params: float
    paired: Interval
    effect: float
    seeds: tuple[int | None, int | None, int | None]


def noise_by_size(trials: pl.DataFrame) -> list[SizeNoise]:
    """Of every size with two variants that have two seeds in common, smallest first.

    Parameters
    ----------
    trials
        One row a trial: ``size, variant, seed, status, non_embedding_params, val_bpb``.
    """
    found = []
    for (size,), own in trials.group_by(["size"], maintain_order=True):
        try:
            fit = fit_two_way(own)
        except StudyError:  # a size at which nothing is compared has no noise of its own
            continue
        loss = float(fit.effects.mean())
        error, dof = typical_noise(fit)
        unpaired_dof = _unpaired_dof(fit)
        found.append(
            SizeNoise(
                size=str(size), params=typical_params(finished(own, "val_bpb")), loss=loss,
                seeds=int(np.median([len(one) for one in fit.seeds.values()])), comparisons=len(fit.variants) - 1,
                paired=_interval(100 * error / loss, dof), unpaired=_interval(100 * fit.unpaired_sd / loss, unpaired_dof),
                dof=dof,
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: one.params)


def next_noise(sizes: Sequence[SizeNoise], *, effect: float = 0.5) -> NextNoise:
    """The noise one step of the ladder above the largest size, and the seeds that see ``effect`` percent of the loss there.

    The log of the SD is a line in the log of the size, each size known by its degrees of freedom and off the line by itself; with
    few sizes the prior holds the slope near zero. Seen: in 4 of 5 studies, after Holm's correction for as many comparisons as at the
    largest size, with the degrees of freedom that so many seeds bring (``minimum_detectable_effect``).

    Raises
    ------
    StudyError
        Fewer than two sizes: there is no step.
    """
    if len(sizes) < 2:
        raise StudyError(f"the noise of a next size needs at least 2 sizes; there is {len(sizes)}")
    last = sizes[-1]
    params = last.params * last.params / sizes[-2].params
    x = np.log([one.params / params for one in sizes])
    y = np.log([one.paired[1] for one in sizes])
    known = np.array([float(special.polygamma(1, one.dof / 2)) / 4 + _OWN for one in sizes])
    design = np.stack([np.ones_like(x), x], axis=1)
    covariance = np.linalg.inv(design.T @ (design / known[:, None]) + np.diag([0.0, _POWER**-2]))
    middle = float((covariance @ design.T @ (y / known))[0])
    half = 1.96 * math.sqrt(covariance[0, 0] + _OWN)
    paired = (math.exp(middle - half), math.exp(middle), math.exp(middle + half))
    low, mid, high = (_seeds_to_see(effect, sd, last) for sd in paired)
    return NextNoise(params, paired, effect, (low, mid, high))


def _seeds_to_see(effect: float, sd: float, like: SizeNoise) -> int | None:
    """Fewest seeds, at ``MOST_SEEDS`` at most, whose minimum detectable effect is within ``effect``."""

    def sees(seeds: int) -> bool:
        dof = max(1.0, like.dof * (seeds - 1) / max(like.seeds - 1, 1))
        return minimum_detectable_effect(sd, seeds, dof=dof, alpha=0.05 / like.comparisons) <= effect

    low, high = 2, MOST_SEEDS
    if not sees(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if sees(middle) else (middle + 1, high)
    return high


def _interval(sd: float, dof: float) -> Interval:
    """95 % of a standard deviation estimated with so many degrees of freedom."""
    return sd * math.sqrt(dof / stats.chi2.ppf(0.975, dof)), sd, sd * math.sqrt(dof / stats.chi2.ppf(0.025, dof))


def _unpaired_dof(fit: TwoWay) -> float:
    """Degrees of freedom of the SD over seeds (Satterthwaite): seeds act on all variants alike, so many variants do not make few seeds more."""
    within, residual = fit.unpaired_sd**2 * fit.unpaired_dof, fit.sd**2 * fit.dof
    between = max(within - residual, 0.0)
    common = between**2 / (fit.unpaired_dof - fit.dof) + residual**2 / fit.dof
    return max(1.0, within**2 / common) if common > 0 else float(fit.unpaired_dof)
