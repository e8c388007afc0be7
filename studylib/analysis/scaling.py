"""How the best aspect ratio moves with size, and how far that may be carried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from studylib.analysis.basin import BasinFit
from studylib.errors import invalid


@dataclass(frozen=True)
class OptimumScaling:
    """``log optimum = intercept + slope * log(params)`` over budgets, carried to ``target_params``.

    Attributes
    ----------
    aspect
        (low, middle, high) at the target: the wider of the bootstrap interval and the t prediction interval, joined.
    slope
        (low, middle, high) of the exponent.
    budgets
        Budgets with an identified optimum.
    factor
        How many times larger the target is than the largest budget.
    line
        [4, 64] params, and low, middle, high of the aspect ratio, from the least budget to the target, for drawing.
    """

    aspect: tuple[float, float, float]
    slope: tuple[float, float, float]
    budgets: int
    target_params: float
    factor: float
    line: np.ndarray

    def as_dict(self) -> dict[str, object]:
        """For ``IdeaResult.extrapolation``."""
        low, middle, high = self.aspect
        return {
            "target_params": self.target_params,
            "aspect": {"low": low, "middle": middle, "high": high},
            "exponent": {"low": self.slope[0], "middle": self.slope[1], "high": self.slope[2]},
            "budgets": self.budgets,
            "times_the_largest_budget": self.factor,
        }


def fit_optimum_scaling(
    fits: Sequence[BasinFit], *, target_params: float = 1e10, confidence: float = 0.95, random_seed: int = 0
) -> tuple[OptimumScaling | None, str]:
    """Carry the optimum to ``target_params`` (non-embedding), or say why that cannot be done.

    Weighted least squares over budgets, weights from each budget's bootstrap spread. Two intervals are made and
    joined: the bootstrap one (each budget's optimum redrawn: measurement noise only) and the t prediction interval
    with ``budgets - 2`` degrees of freedom, its scale raised where the budgets scatter about the line by more
    than their own spread. Neither covers a bend of the line beyond the sizes trained; the report says so.

    Returns
    -------
    The scaling and an empty string, or None and the reason. Two budgets fix a line and leave nothing to tell its
    error by, so they give None: an interval of any finite width would be made up.
    """
    if not target_params > 0:
        raise invalid("target_params", target_params, "is not positive")
    good = sorted((fit for fit in fits if fit.optimum is not None), key=lambda fit: fit.params)
    sizes = {round(float(np.log(fit.params)), 3) for fit in good}
    if len(sizes) < 3:
        return None, (
            f"an optimum lies inside the range tried at {len(sizes)} of {len(fits)} sizes, "
            "and a line over sizes with its error needs 3"
        )
    x = np.log([fit.params for fit in good])
    y = np.log([fit.optimum for fit in good])
    # A budget whose every draw hit the same bound would get infinite weight.
    sd = np.maximum([fit.samples.std() for fit in good], 0.02)
    points = np.linspace(x.min(), np.log(target_params), 64)
    middle, slope, error, slope_error = _line(x, y, sd, points)
    t = stats.t.ppf((1 + confidence) / 2, len(good) - 2)

    generator = np.random.default_rng(random_seed)
    redrawn = np.stack([generator.choice(fit.samples, 2000) for fit in good], axis=1)
    lines = np.stack([_line(x, draw, sd, points)[0] for draw in redrawn])
    slopes = np.array([_line(x, draw, sd, points[-1:])[1] for draw in redrawn])
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(lines, tails, axis=0)
    low, high = np.minimum(low, middle - t * error), np.maximum(high, middle + t * error)
    slope_low, slope_high = np.quantile(slopes, tails)
    return (
        OptimumScaling(
            aspect=(float(np.exp(low[-1])), float(np.exp(middle[-1])), float(np.exp(high[-1]))),
            slope=(
                float(min(slope_low, slope - t * slope_error)),
                float(slope),
                float(max(slope_high, slope + t * slope_error)),
            ),
            budgets=len(good),
            target_params=float(target_params),
            factor=float(target_params / np.exp(x.max())),
            line=np.exp(np.stack([points, low, middle, high])),
        ),
        "",
    )


def _line(x: np.ndarray, y: np.ndarray, sd: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, float, np.ndarray, float]:
    """Weighted line: prediction at ``at``, slope, standard error of the prediction, of the slope."""
    weight = 1.0 / sd**2
    centre = (weight * x).sum() / weight.sum()
    spread = (weight * (x - centre) ** 2).sum()
    slope = float((weight * (x - centre) * y).sum() / spread)
    level = (weight * y).sum() / weight.sum()
    scatter = (weight * (y - level - slope * (x - centre)) ** 2).sum() / (len(x) - 2)
    scale = np.sqrt(max(float(scatter), 1.0))
    error = scale * np.sqrt(1 / weight.sum() + (at - centre) ** 2 / spread)
    return level + slope * (at - centre), slope, error, float(scale / np.sqrt(spread))
