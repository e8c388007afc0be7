"""What choices brought alone, their sum, and whether all of them together fail it. Quick to load: every plan of idea 9 asks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, stdev

from studylib.analysis.margin import MARGIN

NORMAL = 1.959964  # SDs to either side that hold 95 %


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
    def interval(self) -> tuple[float, float, float]:
        return self.effect - NORMAL * self.sd, self.effect, self.effect + NORMAL * self.sd


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
    return fmean(differences) - max(0.0, mean) > 100 * MARGIN + NORMAL * math.hypot(noise, sd)
