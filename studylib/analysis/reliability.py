"""What a ranking at a small size is worth at a large one, measured on ladders where both are known.

The effects of choices are taken to be an Ornstein-Uhlenbeck process over log10 of the parameters (Uhlenbeck and Ornstein 1930,
doi 10.1103/PhysRev.36.823): of a true effect e at size N, in percent of the loss about the mean of the choice's variants and with
spread tau over them, there is at M = N * 10^d a share rho = exp(-d / memory) left; the rest is new: rho e + sqrt(1 - rho^2) tau z.
One number, ``memory`` (decades), says how far rankings carry; ``ranking_fit`` has its likelihood.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

from studylib.errors import invalid
from studylib.notebook import records

if TYPE_CHECKING:
    import polars as pl

Interval = tuple[float, float, float]  # low, middle, high
_TAILS = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Reliability:
    """Draws of the memory of a choice that was not looked at before.

    Attributes
    ----------
    memory
        [K] decades of parameters, above 0.
    """

    memory: np.ndarray

    def __post_init__(self) -> None:
        memory = np.asarray(self.memory, dtype=float)
        if memory.ndim != 1 or not len(memory) or not (np.isfinite(memory) & (memory > 0)).all():
            raise invalid("memory", self.memory, "is not a list of numbers above 0")
        object.__setattr__(self, "memory", memory)

    @property
    def interval(self) -> Interval:
        """(low, middle, high) of the memory, 90 %."""
        return _interval(self.memory)

    def correlation(self, factor: float) -> np.ndarray:
        """[K] correlation of true effects at sizes a ``factor`` apart, either way."""
        if not (factor > 0 and math.isfinite(factor)):
            raise invalid("factor", factor, "is not a number above 0")
        return np.exp(-abs(math.log10(factor)) / self.memory)

    def holds(
        self,
        factor: float,
        gap_over_noise: float,
        *,
        spread_over_noise: float | None = None,
        noise_there: float = 0.0,
    ) -> Interval:
        """Probability that the one of two variants that is ahead at a size is ahead at ``factor`` times it; 90 % over the memory.

        Parameters
        ----------
        gap_over_noise
            Measured difference of the two, over the standard deviation of that difference.
        spread_over_noise
            Standard deviation of true differences of two variants, over the same; None: the median of the public ladders' choices.
        noise_there
            0: the true order at the larger size; else the standard deviation of a difference measured there, over the same.
        """
        if spread_over_noise is None:
            spread_over_noise = _typical_spread()
        return _interval(held_share(self.correlation(factor), gap_over_noise, spread_over_noise, noise_there))

    def pair_holds(self, factor: float, *, spread_over_noise: float | None = None) -> Interval:
        """As `holds`, for any two of the variants, both orders measured: 1/2 + arcsin(correlation of what is measured) / pi."""
        spread2 = (_typical_spread() if spread_over_noise is None else spread_over_noise) ** 2
        return _interval(0.5 + np.arcsin(self.correlation(factor) * spread2 / (spread2 + 1)) / math.pi)

    def carry(
        self,
        behind: Sequence[float] | np.ndarray,
        sd: Sequence[float] | np.ndarray,
        spread: float | None,
        factor: float,
        generator: np.random.Generator,
    ) -> np.ndarray:
        """[K, V] draws of the variants' effects at ``factor`` times the size where they were compared; lower is better.

        Parameters
        ----------
        behind, sd
            [V] posterior mean difference of each variant to the first, and its standard deviation, percent of the loss; of the
            first itself both are 0. Half the least variance of the others is taken to be the first's own error, which all share.
        spread
            Standard deviation of true effects over variants of such a choice, percent of the loss; None: `spread_of` them.

        Returns
        -------
        Percent of the loss, up to a level common to a draw.

        Raises
        ------
        StudyError
            Lists of different lengths, no variant, a standard deviation or spread below 0, or numbers that are not finite.
        """
        behind, sd = np.asarray(behind, dtype=float), np.asarray(sd, dtype=float)
        _check(behind, sd)
        spread = spread_of(behind, sd) if spread is None else spread
        if not (spread >= 0 and math.isfinite(spread)):
            raise invalid("spread", spread, "is not a number of at least 0")
        draws, variants = len(self.memory), len(behind)
        shared = float(np.min(sd[1:] ** 2, initial=math.inf)) / 2 if variants > 1 else 0.0
        own = np.sqrt(np.concatenate([[shared], np.maximum(sd[1:] ** 2 - shared, 0)]))
        here = behind + own * generator.standard_normal((draws, variants))
        here -= here.mean(axis=1, keepdims=True)
        rho = self.correlation(factor)[:, None]
        return rho * here + np.sqrt(1 - rho**2) * spread * generator.standard_normal((draws, variants))

    def _repr_html_(self) -> str:
        """In a notebook: what is left of a ranking by the factor of sizes."""
        rows = [
            {"times the size": factor, "correlation of effects": float(np.median(self.correlation(factor))),
             "P(a pair holds), gap 1 SD of noise": self.holds(factor, 1.0)[1],
             "P(a pair holds), gap 4 SD of noise": self.holds(factor, 4.0)[1]}
            for factor in (3, 10, 100, 1000)
        ]  # fmt: skip
        return records(rows)


def _interval(draws: np.ndarray) -> Interval:
    low, middle, high = np.quantile(draws, _TAILS)
    return float(low), float(middle), float(high)


def held_share(
    rho: np.ndarray | float, gap: np.ndarray | float, spread: np.ndarray | float, noise_there: np.ndarray | float = 0.0
) -> np.ndarray:
    """P(the order of two variants holds) under the model; all in units of the noise of a difference at the smaller size.

    The true difference given the measured one is Gaussian with mean k gap and variance k, k = spread^2 / (spread^2 + 1).
    """
    spread2 = np.square(spread)
    share = spread2 / (spread2 + 1)
    variance = np.square(rho) * share + (1 - np.square(rho)) * spread2 + np.square(noise_there)
    return ndtr(rho * share * np.abs(gap) / np.sqrt(np.maximum(variance, 1e-300)))


# What is taken for the spread before a choice's variants were seen: published effects of structures and shapes are of this size.
TYPICAL_SPREAD, _WEIGHT = 0.5, 2.0


def spread_of(behind: Sequence[float] | np.ndarray, sd: Sequence[float] | np.ndarray) -> float:
    """Standard deviation of true effects over the variants of a choice that contend, percent of the loss.

    The variance of those that contend, less that of their errors, drawn towards 0.5 % with the weight of two variants.
    """
    behind, sd = np.asarray(behind, dtype=float), np.asarray(sd, dtype=float)
    _check(behind, sd)
    if len(behind) < 2:
        return TYPICAL_SPREAD
    contend, narrower = contending(behind)
    seen, free = float(np.var(behind[contend], ddof=1)) / narrower**2, int(contend.sum()) - 1
    seen = max(seen - float(np.mean(sd[1:] ** 2)) / 2, 0.0)
    return math.sqrt((_WEIGHT * TYPICAL_SPREAD**2 + free * seen) / (_WEIGHT + free))


def contending(effects: np.ndarray) -> tuple[np.ndarray, float]:
    """Which of two variants or more contend, by [V] effects at one size: all, or the better half where it says less of a spread.

    Variants that fail (sixteen passes over a text, SGD) do not say how far the others may yet move.

    Returns
    -------
    [V] whether each contends, and how many times narrower than all of one kind those would scatter; 1 where all do.
    """
    count = len(effects)
    half = max(2, math.ceil(count / 2))
    # Of as many normal values the better half is narrower than all by so much (Blom 1958).
    expected = ndtri((np.arange(1, half + 1) - 0.375) / (count + 0.25))
    narrower = float(np.std(expected, ddof=1)) if count > 2 else 1.0
    better = np.argsort(effects, kind="stable")[:half]
    if np.var(effects[better], ddof=1) / narrower**2 >= np.var(effects, ddof=1):
        return np.ones(count, dtype=bool), 1.0
    return np.isin(np.arange(count), better), narrower


def _check(behind: np.ndarray, sd: np.ndarray) -> None:
    if behind.ndim != 1 or not len(behind) or behind.shape != sd.shape:
        raise invalid("behind", behind.tolist(), f"and sd must be lists of one length; sd: {sd.tolist()}")
    if not np.isfinite(behind).all() or not (np.isfinite(sd) & (sd >= 0)).all():
        raise invalid("sd", sd.tolist(), f"must be at least 0, and behind finite: {behind.tolist()}")


# Before any ladder: a memory of a few decades, between a third of one and thirty (95 %); that of one choice is within a factor of two
# of the common level, more or less (scatter of log memories, itself not known: within a factor of 2.7 of this with 95 %).
PRIOR_MEMORY, PRIOR_SD, PRIOR_BETWEEN = 3.0, math.log(10) / 1.96, 0.6


def published_reliability() -> Reliability:
    """The memory of a choice that no public ladder has tried, from those that public ladders have: `track_record`."""
    from studylib.analysis.track_record import shipped_record

    known = np.array(shipped_record().memory)
    return Reliability(np.exp(np.interp(_places(_DRAWS), _places(len(known)), np.log(known))))


_DRAWS = 4000


def _typical_spread() -> float:
    from studylib.analysis.track_record import shipped_record

    return shipped_record().spread_over_noise


def _places(count: int) -> np.ndarray:
    return (np.arange(count) + 0.5) / count


def fit_reliability(effects: pl.DataFrame, prior: Reliability) -> Reliability:
    """``prior`` after effects that were measured at several sizes: its draws, drawn again by their likelihood.

    Parameters
    ----------
    effects
        A row an effect: ``choice`` (what is chosen: variants of one are compared), ``variant``, ``params`` (of the size),
        ``percent`` (of the loss, about any level common to the choice and size) and ``sd`` (of its error). Choices with one
        variant or one size say nothing.

    Returns
    -------
    As many draws as ``prior`` has.

    Raises
    ------
    StudyError
        A column is missing, or an error is below 0.
    """
    from studylib.analysis.ranking_fit import likelihood_of_effects

    weights = likelihood_of_effects(effects, prior.memory)
    generator = np.random.default_rng(0)
    # Systematic draws (Kitagawa 1996): as many of each as its weight says, up to one.
    places = (np.arange(len(weights)) + generator.random()) / len(weights)
    return Reliability(prior.memory[np.minimum(np.searchsorted(np.cumsum(weights), places), len(weights) - 1)])
