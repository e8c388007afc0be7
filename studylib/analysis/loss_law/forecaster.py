"""A forecast of the loss, and what makes it: draws of all forms of the law, weighed, and of how far laws drift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from studylib.analysis.loss_law.drift import distance
from studylib.analysis.loss_law.fit import LossLaw
from studylib.errors import invalid
from studylib.words import Text, Words

LEVEL = 0.9
_NO_USE = 0.2  # of the loss: an interval as wide as what ten times the parameters bring
_FURTHEST = 6.0  # e-folds beyond parameters and tokens fitted, together: the public ladders test 5

NO_USE = Words(
    en="carried to {{ params | short }} parameters and {{ tokens | short }} tokens the 90 % interval is {{ percent | num }} % of the loss "
    "wide: that says nothing",
    ja="{{ params | short }} パラメータ、{{ tokens | short }} トークンへの外挿では 90 % 区間の幅が損失の {{ percent | num }} % になり、何も言えない",
)
TOO_FAR = Words(
    en="{{ params | short }} parameters and {{ tokens | short }} tokens lie {{ beyond[0] | num }} and {{ beyond[1] | num }} times beyond "
    "the largest trained; no public ladder shows how forecasts fare so far out",
    ja="{{ params | short }} パラメータ、{{ tokens | short }} トークンは学習した最大の {{ beyond[0] | num }} 倍と {{ beyond[1] | num }} 倍にあたり、"
    "そこまでの予測の実績を示す公開ラダーがない",
)


@dataclass(frozen=True)
class Forecast:
    """The loss of a run at a target, as equally likely draws.

    Attributes
    ----------
    params, tokens
        The target.
    beyond
        How many times the largest parameters, and tokens, fitted.
    forms
        Weight of each form of the law, by name.
    draws
        [K] losses, in units of the metric: errors of the terms, of the form and of what lies beside any law together.
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

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        low, high = np.quantile(self.draws, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def width_percent(self, level: float = LEVEL) -> float:
        """Of the interval, percent of the loss."""
        low, high = self.interval(level)
        return 100 * (high - low) / self.middle

    @property
    def slope(self) -> tuple[float, float, float]:
        """90 % interval and median of ``slopes``, as (low, middle, high)."""
        low, middle, high = np.quantile(self.slopes, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2])
        return float(low), float(middle), float(high)


@dataclass(frozen=True)
class Forecaster:
    """All forms fitted, each with a weight; the same index of ``draws`` is the same law at every target.

    ``drift``: [K] by how much of the log loss the law drifts over one e-fold beyond what was fitted.
    """

    laws: tuple[LossLaw, ...]
    weights: tuple[float, ...]
    drift: np.ndarray
    largest: tuple[float, float]

    def at(self, params: float, tokens: float) -> Forecast | Text:
        """The forecast, or the reason why the target is too far to say anything."""
        for name, value in (("params", params), ("tokens", tokens)):
            if not (value > 0 and np.isfinite(value)):
                raise invalid(f"target.{name}", value, "is not a positive number")
        beyond = params / self.largest[0], tokens / self.largest[1]
        place = np.array([params]), np.array([tokens])
        if distance(*place, self.largest) > _FURTHEST:
            return TOO_FAR(params=params, tokens=tokens, beyond=beyond)
        losses, slopes = self.draws(*place)
        found = Forecast(
            params=float(params), tokens=float(tokens), beyond=beyond,
            forms={law.form.name: weight for law, weight in zip(self.laws, self.weights, strict=True)},
            draws=losses[:, 0], slopes=slopes[:, 0],
        )  # fmt: skip
        width = found.width_percent()
        return found if width <= 100 * _NO_USE else NO_USE(params=params, tokens=tokens, percent=width)

    def draws(self, params: np.ndarray, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """[K, T] losses, and slopes, at [T] targets, however far."""
        generator = np.random.default_rng(0)
        counts = np.diff(np.round(np.cumsum([0.0, *self.weights]) * len(self.drift)).astype(int))
        losses, slopes = [], []
        for law, count in zip(self.laws, counts, strict=True):
            loss, slope = law.predict(params, tokens, generator)
            picks = generator.permutation(len(loss))[:count]
            losses.append(loss[picks])
            slopes.append(slope[picks])
        logs = np.concatenate(losses)
        away = self.drift * generator.standard_normal(len(logs))
        logs += away[:, None] * np.sqrt(distance(params, tokens, self.largest))
        return np.exp(logs), np.concatenate(slopes)
