"""Do choices of different studies hold together? All of them at once, against the sum of what each brought alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from studylib.analysis.additivity import Interval, State, state_of
from studylib.analysis.alone import NORMAL, Alone, sum_of_effects
from studylib.analysis.finished import finished_variants
from studylib.analysis.margin import MARGIN
from studylib.analysis.over_sizes import OverSizes
from studylib.analysis.seed_effects import draw_noise

_DRAWS = 8_000


@dataclass(frozen=True)
class HeldTogether:
    """All choices at one size against the baseline, percent of the loss, 95 % intervals.

    Attributes
    ----------
    measured
        Lower end, median and upper end.
    interaction
        Measured minus predicted; as ``measured``.
    state
        ``less`` or ``more``: together they bring clearly less or more than their sum. ``adds up``: the difference lies within the
        margin of 0.2 % of the loss. ``unclear``: the noise allows either.
    """

    size: str
    predicted: Interval
    measured: Interval
    interaction: Interval
    state: State


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
    predicted = (mean - NORMAL * sd, mean, mean + NORMAL * sd)
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
    """With the median: of two seeds alone the noise may be anything, and a few draws of a loss a thousandfold would be the mean."""
    low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975])
    return float(low), float(middle), float(high)
