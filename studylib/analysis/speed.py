"""Training speed from measurements made alone: draws of it, and how variants compare.

Windows of trials that are compared are timed in turn (`studylib.spec.SpeedSpec`), so that the machine's own ups and downs fall on all
of them: comparisons are by turn.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from scipy import special

Key = TypeVar("Key", bound=Hashable)

_UNKNOWN = 0.05  # spread of the logs of one window, where there is one only


def speed_draws(windows: Mapping[Key, Sequence[float]], draws: int, random_seed: int = 0) -> dict[Key, np.ndarray]:
    """[draws] tokens/s of each key, given its timed windows; right of their ratios, as what all windows of a turn share is left out.

    A t distribution about the mean of the logs; the spread of one window is that of all keys together, as they were timed on one
    machine and a few windows alone hardly know it. Where keys have unequal numbers of windows, these were not timed in turn.
    """
    logs = {key: np.log(np.asarray(values, dtype=float)) for key, values in windows.items()}
    rest = {key: values - values.mean() for key, values in logs.items()}
    dof = sum(len(values) - 1 for values in logs.values())
    lengths = {len(values) for values in logs.values()}
    if len(lengths) == 1 and len(logs) > 1:
        shared = np.mean(list(rest.values()), axis=0)
        rest = {key: values - shared for key, values in rest.items()}
        dof -= lengths.pop() - 1
    squares = sum(float((values**2).sum()) for values in rest.values())
    generator = np.random.default_rng(random_seed)
    spread = np.sqrt(squares / generator.chisquare(dof, draws)) if dof else np.full(draws, _UNKNOWN)
    return {
        key: np.exp(values.mean() + spread * generator.standard_normal(draws) / math.sqrt(len(values)))
        for key, values in logs.items()
    }


def speed_ratio(windows: Mapping[str, Sequence[float]], one: str, other: str) -> tuple[float, float, float] | None:
    """How many times as fast ``one`` trains as ``other``: (low, middle, high), 95 % by t over the turns; None if either was not timed.

    ``windows``: tokens/s of each timed window, turn by turn, from ``trials.speed_windows``; turns that one of them lacks do not count.
    """
    turns = min(len(windows.get(one, ())), len(windows.get(other, ())))
    if turns < 2:
        return None
    logs = np.log(windows[one][:turns]) - np.log(windows[other][:turns])
    half = special.stdtrit(turns - 1, 0.975) * logs.std(ddof=1) / math.sqrt(turns)
    low, middle, high = np.exp(logs.mean() + half * np.array([-1, 0, 1]))
    return float(low), float(middle), float(high)


def time_saved(windows: Mapping[str, Sequence[float]], one: str, other: str) -> tuple[float, float] | None:
    """95 % interval of how much less time ``other`` takes than ``one``, in percent; None if either was not timed (see `speed_ratio`)."""
    ratio = speed_ratio(windows, one, other)
    return None if ratio is None else (100 * (1 - ratio[2]), 100 * (1 - ratio[0]))
