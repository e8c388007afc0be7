"""A search: which fields of a trial are varied over what, how points are proposed, and on which budgets they are judged."""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from studylib.errors import invalid
from studylib.frozen import Count, Frozen, Positive, Real, as_number
from studylib.registry import SAMPLERS, choice_of

Value = bool | int | float | str
Share = Annotated[float, BeforeValidator(as_number), Field(gt=0, le=1)]


def rounded(value: float) -> float:
    """Three significant digits: what a rate is quoted with, and what keeps a trial's hash the same when drawn again."""
    return float(f"{value:.3g}")


class Axis(Frozen):
    """What one field may be: any number from ``low`` to ``high``, or one of ``values``."""

    low: Real | None = None
    high: Real | None = None
    log: bool = Field(default=True, description="spread over the logarithm, as learning rates are")
    points: Positive = Field(default=5, description="for a grid: how many numbers from low to high, both included")
    values: tuple[Value, ...] = ()

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if self.values:
            if self.low is not None or self.high is not None:
                raise invalid("values", list(self.values), "are given beside low and high; give one of both")
            if len(set(self.values)) < len(self.values):
                raise invalid("values", list(self.values), "name one value twice")
            return self
        if self.low is None or self.high is None or not self.low < self.high:
            raise invalid("low, high", (self.low, self.high), "must be a range low < high, or give values")
        if self.log and self.low <= 0:
            raise invalid("low", self.low, "must be above 0 on a logarithmic axis; set log: false")
        if self.points < 2:
            raise invalid("points", self.points, "must be at least 2: both ends")
        return self

    @property
    def grid(self) -> tuple[Value, ...]:
        """The values in their order, or ``points`` numbers evenly from ``low`` to ``high``."""
        return self.values or tuple(self.at(place / (self.points - 1)) for place in range(self.points))

    def at_value(self, value: Value) -> Value:
        """A proposed value as it is tried: numbers rounded, and kept inside the range."""
        return value if self.values else min(max(rounded(value), self.low), self.high)

    def at(self, share: float) -> Value:
        """The value at a share from 0 to 1 of the way from the first to the last."""
        if self.values:
            return self.values[min(int(share * len(self.values)), len(self.values) - 1)]
        if self.log:
            return rounded(math.exp(math.log(self.low) + share * math.log(self.high / self.low)))
        return rounded(self.low + share * (self.high - self.low))


class SearchSpec(Frozen):
    """Points of ``space`` proposed by ``sampler``; each is judged on rising ``rungs`` until others do better.

    With one rung every point gets the whole budget. With more it is successive halving (Jamieson and Talwalkar 2016,
    arXiv 1502.07943): after each rung only the best ``keep`` of all points that reached it go on.
    """

    space: dict[str, Axis] = Field(min_length=1, description="by dotted field of the trial: optimizer.learning_rate")
    sampler: choice_of(SAMPLERS) = "grid"
    points: Positive | None = Field(default=None, description="how many are tried; a grid tries all of its own")
    batch: Positive | None = Field(default=None, description="proposed at a time; left out: all, for tpe 4")
    rungs: tuple[Share, ...] = Field(
        default=(1.0,), min_length=1, description="shares of the whole budget, rising to 1"
    )
    keep: Share = Field(default=0.5, description="share of the points that go on from a rung to the next")
    seed: Count = 0

    @model_validator(mode="after")
    def _can_be_run(self) -> Self:
        if list(self.rungs) != sorted(set(self.rungs)) or self.rungs[-1] != 1.0:
            raise invalid("rungs", list(self.rungs), "must rise and end with 1, the whole budget")
        if self.sampler != "grid" and self.points is None:
            raise invalid("points", None, f"is missing: {self.sampler} has no end of its own")
        if self.sampler == "grid" and self.points is not None:
            raise invalid("points", self.points, "is for other samplers; a grid's points stand in its space")
        return self
