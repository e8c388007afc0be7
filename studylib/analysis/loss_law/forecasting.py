"""Interface only so far; the inside follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from studylib.words import Text


@dataclass(frozen=True)
class Forecast:
    """The loss at a target, as equally likely draws.

    Attributes
    ----------
    params, tokens
        The target.
    beyond
        How many times the largest parameters, and tokens, fitted.
    forms
        Weight of each form of the law, by name.
    draws
        [K] losses, in units of the metric: parameter error, form error and extrapolation error together.
    slopes
        [K] ``d log(loss) / d log(FLOPs)`` at the target by more tokens, parameters held; negative.
    """

    params: float
    tokens: float
    beyond: tuple[float, float]
    forms: Mapping[str, float]
    draws: np.ndarray = field(repr=False)
    slopes: np.ndarray = field(repr=False)

    @property
    def middle(self) -> float:
        return float(np.median(self.draws))

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        low, high = np.quantile(self.draws, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def width_percent(self, level: float = 0.9) -> float:
        low, high = self.interval(level)
        return 100 * (high - low) / self.middle

    @property
    def slope(self) -> tuple[float, float, float]:
        """90 % interval and median of ``slopes``, as (low, middle, high)."""
        low, middle, high = np.quantile(self.slopes, [0.05, 0.5, 0.95])
        return float(low), float(middle), float(high)


@dataclass(frozen=True)
class Forecaster:
    """A fit that forecasts any target; the same index of ``draws`` is the same law at every target."""

    def at(self, params: float, tokens: float) -> Forecast | Text:
        """The forecast, or the reason why the target is too far to say anything."""
        raise NotImplementedError


def fit_forecaster(runs: pl.DataFrame, *, counting: str = "params") -> Forecaster | Text:
    """Fit all forms; or the reason why the runs carry nothing.

    ``runs``: one row a run: ``tokens``, ``loss`` and the column ``counting`` (``params``, ``non_embedding_params``,
    ``total_params``).
    """
    raise NotImplementedError


def forecast(runs: pl.DataFrame, params: float, tokens: float, *, counting: str = "params") -> Forecast | Text:
    """`fit_forecaster` and its forecast of one target."""
    fitted = fit_forecaster(runs, counting=counting)
    return fitted if isinstance(fitted, Text) else fitted.at(params, tokens)
