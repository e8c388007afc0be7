"""Paired comparison over seeds: differences to a baseline."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import stats

from studylib.analysis.noise import minimum_detectable_effect
from studylib.analysis.twoway import finished, fit_two_way
from studylib.errors import StudyError, invalid


def compare_to_baseline(
    frame: pl.DataFrame,
    baseline: str,
    metric: str = "val_bpb",
    *,
    variant: str = "variant",
    confidence: float = 0.95,
    interval: str = "t",
    pooled: bool = True,
    draws: int = 10_000,
    random_seed: int = 0,
) -> pl.DataFrame:
    """Same-seed differences of every variant to ``baseline``; negative is better.

    Parameters
    ----------
    frame
        One row a trial, of one size or budget.
    interval
        ``t`` (default) or ``bootstrap`` (resamples the pairs; too narrow under about 8 pairs).
    pooled
        Take the noise from all variants together (more degrees of freedom; assumes equal noise) rather than
        from each variant's own pairs. Only matters to ``interval="t"``.

    Returns
    -------
    A row a variant: ``variant, pairs, missing`` (seeds one of the two lacks), ``difference, low, high, sd`` (of the
    paired differences), ``p_value, p_holm, mde``, and ``told``: told from the baseline, that is sure after Holm's
    correction and no less than the minimum detectable effect. A variant with fewer than two pairs keeps its row with nulls:
    nothing is imputed for a failed trial.

    Raises
    ------
    StudyError
        Unknown baseline, or no variant has two pairs.
    """
    if interval not in ("t", "bootstrap"):
        raise invalid("interval", interval, "is not known", choices=["t", "bootstrap"])
    rows = finished(frame, metric, variant=variant)
    names = frame[variant].cast(pl.String).unique(maintain_order=True).to_list()
    if str(baseline) not in names:
        raise invalid("baseline", baseline, f"is not a {variant} of these trials", choices=names)
    values = {name: dict(rows.filter(pl.col(variant) == name).select("seed", metric).iter_rows()) for name in names}
    base = values[str(baseline)]
    pairs = {
        name: np.array([found[seed] - base[seed] for seed in sorted(found) if seed in base])
        for name, found in values.items()
        if name != str(baseline)
    }
    if not any(len(d) >= 2 for d in pairs.values()):
        most = max((len(d) for d in pairs.values()), default=0)
        raise StudyError(f"a paired comparison to {baseline!r} needs at least 2 seeds in common; there is {most}")
    all_seeds = set(frame["seed"].to_list())
    fit = fit_two_way(frame, metric, variant=variant) if pooled else None
    generator = np.random.default_rng(random_seed)
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
            sd = float(d.std(ddof=1))
            # sqrt(2): two trials' residual noise makes one difference
            scale, dof = (fit.sd * np.sqrt(2.0), fit.dof) if fit is not None else (sd, n - 1)
            error = scale / np.sqrt(n)
            if interval == "bootstrap":
                means = d[generator.integers(0, n, (draws, n))].mean(axis=1)
                low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
            else:
                half = stats.t.ppf((1 + confidence) / 2, dof) * error
                low, high = d.mean() - half, d.mean() + half
            # Without any noise (bit-identical variants) a difference is sure, and no difference is no difference.
            t = abs(d.mean()) / error if error > 0 else (np.inf if d.mean() else 0.0)
            p = float(2 * stats.t.sf(t, dof))
            record |= {"low": float(low), "high": float(high), "sd": sd, "p_value": p}
            record |= {"mde": minimum_detectable_effect(scale / np.sqrt(2.0), n, dof=dof)}
        records.append(record)
    schema = {
        "variant": pl.String, "pairs": pl.Int64, "missing": pl.Int64, "difference": pl.Float64, "low": pl.Float64,
        "high": pl.Float64, "sd": pl.Float64, "p_value": pl.Float64, "mde": pl.Float64,
    }  # fmt: skip
    table = pl.DataFrame(records, schema=schema)
    adjusted = holm(table["p_value"].cast(pl.Float64).fill_null(np.nan).to_numpy())
    table = table.with_columns(pl.Series("p_holm", adjusted).fill_nan(None))
    told = (pl.col("p_holm") < 1 - confidence) & (pl.col("difference").abs() >= pl.col("mde"))
    return table.with_columns(told.fill_null(False).alias("told"))


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
    half = float(stats.t.ppf((1 + confidence) / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x)))
    return mean, (mean - half, mean + half)
