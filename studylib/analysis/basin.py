"""The valley of loss against the logarithm of the aspect ratio, its bottom, and how flat that bottom is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import stats

from studylib.analysis.noise import minimum_detectable_effect
from studylib.analysis.twoway import finished, fit_two_way
from studylib.errors import StudyError, invalid


@dataclass(frozen=True)
class BasinFit:
    """``loss = bottom + curvature * (log aspect - log optimum)**2 + seed effect`` at one budget.

    Attributes
    ----------
    budget
        Its label.
    params
        Median non-embedding parameters of its trials.
    optimum
        Aspect ratio (hidden_size / num_layers) of the lowest fitted loss; None when not identified.
    interval
        Bootstrap interval of the optimum. An end that reaches the sampled range is that range's end: read it as
        "or beyond".
    flat
        Aspect ratios, inside the sampled range, whose fitted loss is within ``margin`` of the lowest.
    margin
        The minimum detectable effect of this budget (or as given), bits per byte.
    sampled
        (least, greatest) aspect ratio that was trained.
    at_edge
        Fraction of bootstrap fits whose optimum is outside the sampled range.
    reason
        Why there is no optimum, in one line; empty when there is one.
    lack_of_fit
        p value of the test that a parabola describes the mean losses; small: read the points, not the curve.
    samples
        [B] bootstrap optima (log aspect), held to within the sampled range.
    coefficients
        (a, b, c) of ``a + b * x + c * x**2`` with x = log aspect, at the average seed.
    """

    budget: str
    params: float
    optimum: float | None
    interval: tuple[float, float] | None
    flat: tuple[float, float]
    margin: float
    sampled: tuple[float, float]
    at_edge: float
    reason: str
    lack_of_fit: float
    samples: np.ndarray
    coefficients: tuple[float, float, float]

    def predict(self, aspect: np.ndarray | float) -> np.ndarray:
        """Fitted loss at the average seed."""
        a, b, c = self.coefficients
        x = np.log(aspect)
        return a + b * x + c * x**2


def fit_basin(
    trials: pl.DataFrame,
    metric: str = "val_bpb",
    *,
    aspect: str = "aspect",
    budget: str = "",
    margin: float | None = None,
    draws: int = 1000,
    confidence: float = 0.95,
    random_seed: int = 0,
) -> BasinFit:
    """Fit the valley to the trials of one budget.

    Parameters
    ----------
    trials
        One row a trial. Without a column ``aspect`` it is ``hidden_size / num_layers``.
    margin
        What counts as flat; default the minimum detectable effect of these trials.
    draws
        Bootstrap fits. Each draws seeds with replacement, then residuals (scaled for the parameters spent).

    Raises
    ------
    StudyError
        Fewer than three aspect ratios or two seeds have finished trials.
    """
    if draws < 100:
        raise invalid("draws", draws, "is too few for an interval; give at least 100")
    if aspect not in trials.columns:
        trials = trials.with_columns((pl.col("hidden_size") / pl.col("num_layers")).alias(aspect))
    rows = finished(trials, metric, variant=aspect)
    x = np.log(rows[aspect].cast(pl.Float64).to_numpy())
    y = rows[metric].to_numpy().astype(float)
    seeds, seed = np.unique(rows["seed"].to_numpy(), return_inverse=True)
    if len(np.unique(x)) < 3:
        raise StudyError(f"a valley needs finished trials at 3 values or more; there are {len(np.unique(x))}")
    noise = fit_two_way(trials, metric, variant=aspect)  # raises when there are fewer than two seeds
    if margin is None:
        margin = minimum_detectable_effect(noise.sd, len(seeds), dof=noise.dof)

    centre = float(x.mean())
    u = x - centre  # centred: x and x^2 would be nearly collinear
    coefficients, residual, dof = _fit(u, y, seed, len(seeds))
    residual = residual * np.sqrt(len(y) / dof)
    low, high = float(u.min()), float(u.max())

    generator = np.random.default_rng(random_seed)
    curve = np.polyval(coefficients[::-1], u)  # seed effects are fitted anew in every draw, so they may stay out
    cells = [np.flatnonzero(seed == i) for i in range(len(seeds))]
    optima = np.empty(draws)
    outside = 0
    for i in range(draws):
        pick = generator.integers(0, len(seeds), len(seeds))
        index = np.concatenate([cells[j] for j in pick])
        label = np.repeat(np.arange(len(seeds)), [len(cells[j]) for j in pick])
        sample = curve[index] + generator.choice(residual, len(index))
        drawn = _fit(u[index], sample, label, len(seeds))[0]
        best = _lowest(drawn, low, high)
        outside += not low < best < high
        optima[i] = np.clip(best, low, high)

    best = _lowest(coefficients, low, high)
    reason = ""
    if coefficients[2] <= 0:
        reason = "the loss does not curve upwards over the range tried"
    elif not low < best < high:
        side, end = ("below", low) if best <= low else ("above", high)
        reason = f"the lowest fitted loss lies {side} the sampled range (beyond {np.exp(end + centre):.3g}); widen it"
    tail = (1 - confidence) / 2
    interval = tuple(float(v) for v in np.exp(np.quantile(optima, [tail, 1 - tail]) + centre))
    grid = np.linspace(low, high, 64)
    losses = np.polyval(coefficients[::-1], grid)
    flat = np.exp(grid[losses <= losses.min() + margin] + centre)
    a, b, c = coefficients
    return BasinFit(
        budget=budget,
        params=float(rows["non_embedding_params"].median()) if "non_embedding_params" in rows.columns else float("nan"),
        optimum=None if reason else float(np.exp(best + centre)),
        interval=None if reason else (interval[0], interval[1]),
        flat=(float(flat.min()), float(flat.max())),
        margin=float(margin),
        sampled=(float(np.exp(low + centre)), float(np.exp(high + centre))),
        at_edge=outside / draws,
        reason=reason,
        lack_of_fit=_lack_of_fit(residual * np.sqrt(dof / len(y)), dof, noise.sd, noise.dof),
        samples=optima + centre,
        coefficients=(float(a - b * centre + c * centre**2), float(b - 2 * c * centre), float(c)),
    )


def _design(u: np.ndarray, seed: np.ndarray, count: int) -> np.ndarray:
    design = np.zeros((len(u), 3 + count - 1))
    design[:, 0], design[:, 1], design[:, 2] = 1.0, u, u**2
    # Sum-to-zero coding: the first three coefficients are then the curve at the average seed.
    for i in range(count - 1):
        design[:, 3 + i] = (seed == i).astype(float) - (seed == count - 1)
    return design


def _fit(u: np.ndarray, y: np.ndarray, seed: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Curve coefficients (a, b, c) in centred x, residuals, degrees of freedom."""
    design = _design(u, seed, count)
    solution, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    return solution[:3], y - design @ solution, max(len(y) - int(rank), 1)


def _lowest(coefficients: np.ndarray, low: float, high: float) -> float:
    """Vertex of the parabola; for one that opens downwards, the lower end of the range (pushed outside it)."""
    _, b, c = coefficients
    if c > 0:
        return float(-b / (2 * c))
    return -np.inf if np.polyval(coefficients[::-1], low) < np.polyval(coefficients[::-1], high) else np.inf


def _lack_of_fit(residual: np.ndarray, dof: int, noise_sd: float, noise_dof: int) -> float:
    """F test of the parabola's residuals against the pure seed noise; 1 where three shapes leave nothing to test."""
    extra = dof - noise_dof
    if extra <= 0 or noise_sd == 0:
        return 1.0
    pure = noise_sd**2 * noise_dof
    between = max(float(residual @ residual) - pure, 0.0) / extra
    return float(stats.f.sf(between / noise_sd**2, extra, noise_dof))
