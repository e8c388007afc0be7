"""The noise floor over seeds, and what could be seen at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import optimize, special, stats

from studylib.analysis.twoway import TwoWay, fit_two_way
from studylib.errors import StudyError, invalid


@dataclass(frozen=True)
class NoiseFloor:
    """How much two trials differ for no reason, in units of the metric (bits per byte).

    Attributes
    ----------
    paired_sd
        SD of one trial after the seed's common effect is removed.
    unpaired_sd
        SD over seeds inside a variant.
    mde
        Minimum detectable effect: the true paired difference found with 80 % power at these seeds (alpha 5 %,
        two-sided).
    seeds
        Number of seeds the ``mde`` refers to (the median over variants).
    dof
        Degrees of freedom behind ``paired_sd``.
    """

    paired_sd: float
    unpaired_sd: float
    mde: float
    seeds: int
    dof: int

    def as_dict(self) -> dict[str, float]:
        """For ``IdeaResult.noise_floor``."""
        return {
            "paired_sd": self.paired_sd,
            "unpaired_sd": self.unpaired_sd,
            "mde": self.mde,
            "seeds": float(self.seeds),
        }


def noise_floor(
    frame: pl.DataFrame, metric: str = "val_bpb", *, variant: str = "variant", by: str | None = "size"
) -> NoiseFloor:
    """Pool the seed noise over all variants, and over the groups of ``by`` when that column is there.

    A seed acts alike only on trials of one size, so its effect is removed inside each group.

    Raises
    ------
    StudyError
        No group has two variants with two seeds in common.
    """
    groups = frame.partition_by(by) if by and by in frame.columns else [frame]
    fits: list[TwoWay] = []
    reason: StudyError | None = None
    for group in groups:
        try:
            fits.append(fit_two_way(group, metric, variant=variant))
        except StudyError as error:  # one group may be incomplete while another can be judged
            reason = error
    if not fits:
        raise reason or StudyError("there are no trials to take the noise from")
    dof = sum(fit.dof for fit in fits)
    unpaired_dof = sum(fit.unpaired_dof for fit in fits)
    paired = float(np.sqrt(sum(fit.sd**2 * fit.dof for fit in fits) / dof))
    unpaired = float(np.sqrt(sum(fit.unpaired_sd**2 * fit.unpaired_dof for fit in fits) / unpaired_dof))
    seeds = int(np.median([len(found) for fit in fits for found in fit.seeds.values()]))
    return NoiseFloor(paired, unpaired, minimum_detectable_effect(paired, seeds, dof=dof), seeds, dof)


def minimum_detectable_effect(
    sd: float, seeds: int, *, dof: int | None = None, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Smallest true difference of two variants that ``seeds`` pairs find with the given power.

    Parameters
    ----------
    sd
        Residual SD of one trial (``NoiseFloor.paired_sd``); a difference of two has ``sqrt(2)`` times that.
    seeds
        Pairs, at least 2.
    dof
        Degrees of freedom of ``sd``; ``seeds - 1`` when only this one pair of variants informs it.
    """
    if seeds < 2:
        raise invalid("seeds", seeds, "is too few: a minimum detectable effect needs at least 2")
    if sd == 0:
        return 0.0
    dof = seeds - 1 if dof is None else dof
    unit = sd * np.sqrt(2.0 / seeds)
    # The test's power as a mean over the estimated SD: scipy's noncentral t returns NaN for some arguments here.
    quantiles = (np.arange(1000) + 0.5) / 1000
    threshold = stats.t.ppf(1 - alpha / 2, dof) * np.sqrt(stats.chi2.ppf(quantiles, dof) / dof)

    def excess(effect: float) -> float:
        return float((special.ndtr(effect - threshold) + special.ndtr(-effect - threshold)).mean()) - power

    # With one degree of freedom the limit is 12.7 units: the bracket must reach far beyond that.
    upper = 4.0
    while excess(upper) < 0:
        upper *= 2.0
    return float(optimize.brentq(excess, 1e-6, upper) * unit)


def seeds_needed(effect: float, sd: float, *, variants: int = 2, power: float = 0.8, most: int = 1000) -> int | None:
    """Seeds with which a true difference ``effect`` is found with the given power; None beyond ``most``."""
    if effect <= 0:
        return None
    low, high = 2, 2

    def enough(seeds: int) -> bool:
        dof = (seeds - 1) * (variants - 1)
        return minimum_detectable_effect(sd, seeds, dof=dof, power=power) <= effect

    while not enough(high):
        if high >= most:
            return None
        low, high = high, min(2 * high, most)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return high
