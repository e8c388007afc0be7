"""Training speed from measurements made alone: draws of it, and how much less time one variant takes."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from scipy import stats

Key = TypeVar("Key", bound=Hashable)

_UNKNOWN = 0.05  # spread of the logs of one window, where there is one only


def speed_draws(windows: Mapping[Key, Sequence[float]], draws: int, random_seed: int = 0) -> dict[Key, np.ndarray]:
    """[draws] tokens/s of each key, given its timed windows.

    A t distribution about the mean of the logs; the spread of one window about its mean is that of all keys together, as
    they were timed on one machine and a few windows alone hardly know it.
    """
    logs = {key: np.log(np.asarray(values, dtype=float)) for key, values in windows.items()}
    dof = sum(len(values) - 1 for values in logs.values())
    rest = sum(float(((values - values.mean()) ** 2).sum()) for values in logs.values())
    generator = np.random.default_rng(random_seed)
    spread = np.sqrt(rest / generator.chisquare(dof, draws)) if dof else np.full(draws, _UNKNOWN)
    return {
        key: np.exp(values.mean() + spread * generator.standard_normal(draws) / math.sqrt(len(values)))
        for key, values in logs.items()
    }


def time_saved(windows: Mapping[str, Sequence[float]], one: str, other: str) -> tuple[float, float] | None:
    """95 % interval (Welch) of how much less time ``other`` takes than ``one``, in percent; None if either was not timed.

    ``windows``: tokens/s of each timed window, from ``trials.speed_windows``.
    """
    if len(windows.get(one, ())) < 2 or len(windows.get(other, ())) < 2:
        return None
    a, b = np.log(windows[one]), np.log(windows[other])
    ends = stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    return 100 * (1 - math.exp(ends.high)), 100 * (1 - math.exp(ends.low))
