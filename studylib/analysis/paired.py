"""Paired comparison over seeds: differences to a baseline."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import special  # not stats, which takes most of a second to load: plans choose by these differences

from studylib.analysis.noise import as_t, minimum_detectable_effect
from studylib.analysis.seed_effects import draw
from studylib.analysis.twoway import finished, fit_two_way
from studylib.errors import StudyError, invalid

_LEVEL = 0.05


def compare_to_baseline(
    frame: pl.DataFrame,
    baseline: str,
    metric: str = "val_bpb",
    *,
    variant: str = "variant",
) -> pl.DataFrame:
    """Same-seed differences of every variant to ``baseline``; negative is better.

    A moderated paired t test: the noise of a difference is that of its two variants, each shrunk towards what is common to all
    (``seed_effects``), so a noisy variant or baseline gets the interval it needs and the others do not pay for it.

    Parameters
    ----------
    frame
        One row a trial, of one size or budget.

    Returns
    -------
    A row a variant: ``variant, pairs, missing`` (seeds one of the two lacks), ``difference, low, high, sd`` (of the
    paired differences), ``p_value``, ``p_holm`` (over all variants of the table), ``mde`` and ``significant``: ``p_holm`` is
    below 0.05. ``mde`` is the true difference that this very rule finds in 4 of 5 studies, with these seeds,
    this noise and this many comparisons. A variant with fewer than two pairs keeps its row with nulls: nothing is imputed for
    a failed trial.

    Raises
    ------
    StudyError
        Unknown baseline, or no variant has two pairs.
    """
    baseline = str(baseline)
    rows = finished(frame, metric, variant=variant)
    names = frame[variant].cast(pl.String).unique(maintain_order=True).to_list()
    if baseline not in names:
        raise invalid("baseline", baseline, f"is not a {variant} of these trials", choices=names)
    values = {name: dict(rows.filter(pl.col(variant) == name).select("seed", metric).iter_rows()) for name in names}
    base = values[baseline]
    pairs = {
        name: np.array([found[seed] - base[seed] for seed in sorted(found) if seed in base])
        for name, found in values.items()
        if name != baseline
    }
    comparisons = sum(len(d) >= 2 for d in pairs.values())
    if not comparisons:
        most = max((len(d) for d in pairs.values()), default=0)
        raise StudyError(f"a paired comparison to {baseline!r} needs at least 2 seeds in common; there is {most}")
    all_seeds = set(frame["seed"].to_list())
    fit = fit_two_way(frame, metric, variant=variant)
    _, noise = draw(fit, draws=2_000)
    variance = dict(zip(fit.variants, (noise**2).T, strict=True))
    records = []
    for name, d in pairs.items():
        n = len(d)
        record: dict[str, object] = {
            "variant": name,
            "pairs": n,
            "missing": len(all_seeds - (set(values[name]) & set(base))),
            "difference": float(d.mean()) if n else None,
        }
        if n >= 2:
            error, dof = as_t((variance[name] + variance[baseline]) / n)
            half = float(special.stdtrit(dof, 1 - _LEVEL / 2)) * error
            record |= {
                "low": float(d.mean()) - half,
                "high": float(d.mean()) + half,
                "sd": float(d.std(ddof=1)),
                "p_value": float(2 * special.stdtr(dof, -abs(d.mean()) / error)),
                # what one trial's noise would be if both had the same
                "mde": minimum_detectable_effect(error * (n / 2) ** 0.5, n, dof=dof, alpha=_LEVEL / comparisons),
            }
        records.append(record)
    schema = {
        "variant": pl.String, "pairs": pl.Int64, "missing": pl.Int64, "difference": pl.Float64, "low": pl.Float64,
        "high": pl.Float64, "sd": pl.Float64, "p_value": pl.Float64, "mde": pl.Float64,
    }  # fmt: skip
    table = pl.DataFrame(records, schema=schema)
    adjusted = holm(table["p_value"].cast(pl.Float64).fill_null(np.nan).to_numpy())
    table = table.with_columns(pl.Series("p_holm", adjusted).fill_nan(None))
    return table.with_columns(significant=(pl.col("p_holm") < _LEVEL).fill_null(False))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment; keeps the family-wise error. NaN stays NaN and does not count."""
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full_like(p, np.nan)
    valid = np.flatnonzero(np.isfinite(p))
    order = valid[np.argsort(p[valid])]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def estimate(values: np.ndarray, *, confidence: float = 0.95) -> tuple[float, tuple[float, float]]:
    """Mean over seeds and its t interval, ready for ``result.Estimate``; one value gives an interval of no width.

    An interval needs two values: with one the caller should say ``seeds=1`` beside it (``VariantMetrics`` does).
    """
    x = np.asarray(values, dtype=float)
    x = x[np.isfinite(x)]
    if len(x) == 0:
        raise StudyError("there is no finished trial to take a mean of")
    mean = float(x.mean())
    if len(x) == 1:
        return mean, (mean, mean)
    half = float(special.stdtrit(len(x) - 1, (1 + confidence) / 2) * x.std(ddof=1) / np.sqrt(len(x)))
    return mean, (mean - half, mean + half)
