"""Do choices of different studies hold together? All of them at once, against the sum of what each brought alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, stdev

import numpy as np
import polars as pl

from studylib.analysis.additivity import Interval, State, state_of
from studylib.analysis.decision import MARGIN
from studylib.analysis.finished import finished_variants
from studylib.analysis.over_sizes import OverSizes
from studylib.analysis.seed_effects import draw_noise

_DRAWS, _NORMAL = 8_000, 1.959964


@dataclass(frozen=True)
class Alone:
    """One choice over the baseline's value, percent of the loss, negative is better: posterior mean and SD.

    ``group``: comparisons of one group share their baseline's trials. ``noise``: SD of one trial there, percent of the loss;
    ``seeds``: trials of each value.
    """

    name: str
    effect: float
    sd: float
    group: str
    noise: float
    seeds: int

    @property
    def interval(self) -> Interval:
        return self.effect - _NORMAL * self.sd, self.effect, self.effect + _NORMAL * self.sd


@dataclass(frozen=True)
class HeldTogether:
    """All choices at one size against the baseline, percent of the loss, 95 % intervals.

    Attributes
    ----------
    interaction
        Measured minus predicted.
    state
        ``less`` or ``more``: together they bring clearly less or more than their sum. ``adds up``: the difference lies within the
        margin of 0.2 % of the loss. ``unclear``: the noise allows either.
    """

    size: str
    predicted: Interval
    measured: Interval
    interaction: Interval
    state: State


def sum_of_effects(parts: Sequence[Alone]) -> tuple[float, float]:
    """The sum with its standard deviation.

    Effects are posterior means, pulled back towards no effect as far as the trials are noisy, so that a value is not credited with
    the luck by which it was chosen. Comparisons of one group subtract the same baseline, whose noise is in each of them: it adds up
    by its SD, not by its variance.
    """
    variance = sum(one.sd**2 for one in parts)
    for one, other in combinations(parts, 2):
        if one.group == other.group:
            shared = min(one.noise**2 / one.seeds, other.noise**2 / other.seeds)
            variance += 2 * min(shared, one.sd * other.sd)
    return sum(one.effect for one in parts), math.sqrt(variance)


def fails_together(differences: Sequence[float], parts: Sequence[Alone]) -> bool:
    """Whether ``parts`` do not go together: worse than the baseline, and by more than the sum of their effects says.

    Parameters
    ----------
    differences
        Of all of them against the baseline, percent of the loss, by seed; none: no trial of them finished, which is failing.

    Notes
    -----
    More than the margin of 0.2 % beyond the sum, or beyond nothing where the sum is a gain, with 97.5 %. The noise of a difference is
    that of the parts' own comparisons, or its own scatter where that is larger, so that one seed can be judged too.
    """
    if not differences:
        return True
    mean, sd = sum_of_effects(parts)
    count = len(differences)
    noise = math.sqrt(2) * max((one.noise for one in parts), default=0.0)
    noise = max(noise, stdev(differences) if count > 1 else 0.0) / math.sqrt(count)
    return fmean(differences) - max(0.0, mean) > 100 * MARGIN + _NORMAL * math.hypot(noise, sd)


def hold_together(
    trials: pl.DataFrame, baseline: str, together: str, parts: Sequence[Alone], *, random_seed: int = 0
) -> list[HeldTogether]:
    """``together`` against ``baseline`` at every size, paired by seed, beside the sum of ``parts``.

    Parameters
    ----------
    trials
        One row a trial; sizes where one of the two has fewer than two finished trials are left out. Of few seeds the noise is
        badly known, so all sizes say together how noisy the two are.
    """
    mean, sd = sum_of_effects(parts)
    generator = np.random.default_rng(random_seed)
    predicted = (mean - _NORMAL * sd, mean, mean + _NORMAL * sd)
    kept = [
        own.filter(pl.col("variant").is_in([baseline, together]))
        for _, own in trials.group_by(["size"], maintain_order=True)
        if {baseline, together} <= finished_variants(own)
    ]
    if not kept:
        return []
    over = OverSizes.of(pl.concat(kept))
    noise = draw_noise(*over.arrays, draws=_DRAWS, generator=generator)
    one, other = over.variants.index(together), over.variants.index(baseline)
    found = []
    for place, size in enumerate(over.sizes):
        variance = (noise.variance[:, :, place] / noise.count[:, place])[:, [one, other]].sum(axis=1)
        gap = noise.mean[:, one, place] - noise.mean[:, other, place]  # of 100 * log(loss)
        measured = 100 * np.expm1((gap + np.sqrt(variance) * generator.standard_normal(len(gap))) / 100)
        interaction = _interval(measured - generator.normal(mean, sd, len(gap)))
        state = state_of(interaction, 100 * MARGIN)
        found.append(HeldTogether(size, predicted, _interval(measured), interaction, state))
    return found


def _interval(draws: np.ndarray) -> Interval:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(draws.mean()), float(high)
