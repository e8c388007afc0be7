"""Three accountings of a fair race: equal FLOPs, equal seconds, equal memory.

Trials are run at equal tokens. To ask who would win at equal FLOPs or seconds, each loss is moved to the number of
tokens that variant could have had, along a power law in tokens:

    loss(t * tokens) = loss(tokens) * t ** (-slope)

``slope`` is the relative gain per relative token, one number pooled over all trials (``token_slope``): a slope a
variant would add its own noise to the very differences being judged. The reference is the geometric mean over the
variants of a size, so every shift is small and none is favoured. Shifts beyond a factor of two are flagged by the
column ``far``: run those at equal cost instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from studylib.errors import StudyError, invalid

_FAR = 2.0


@dataclass(frozen=True)
class Slope:
    """``-d log(loss) / d log(x)`` with its standard error over trials, and how many trials gave it."""

    value: float
    error: float
    trials: int


def token_slope(curves: pl.DataFrame, *, since: float = 0.3) -> Slope:
    """Pooled slope of log loss against log tokens over the last part of the learning curves.

    Parameters
    ----------
    curves
        From ``read_curves``. Validation records serve when each trial has three or more after ``since`` of its tokens;
        otherwise the training loss does.
    since
        Fraction of the run before which points are left out (warm-up and the first fall follow another law).

    Notes
    -----
    A schedule that decays the learning rate makes the end of a curve steeper than the difference between two
    runs of different length, so this slope is an upper bound and the corrections made with it are generous.
    """
    whole = curves.filter((pl.col("source") == "") & pl.col("loss").is_finite() & (pl.col("tokens") > 0))
    whole = whole.filter(pl.col("tokens") >= since * pl.col("tokens").max().over("hash"))
    found: list[float] = []
    for (_,), trial in whole.group_by(["hash"], maintain_order=True):
        points = trial.filter(pl.col("split") == "validation")
        if points["tokens"].n_unique() < 3:
            points = trial.filter(pl.col("split") == "train")
        if points["tokens"].n_unique() >= 3:
            x, y = np.log(points["tokens"].to_numpy()), np.log(points["loss"].to_numpy())
            found.append(-float(np.polyfit(x, y, 1)[0]))
    if not found:
        raise StudyError(
            "no trial has 3 or more points on its learning curve, so losses cannot be moved to equal cost: "
            "set eval_every"
        )
    error = float(np.std(found, ddof=1) / np.sqrt(len(found))) if len(found) > 1 else 0.0
    return Slope(max(float(np.median(found)), 0.0), error, len(found))


def at_equal_flops(trials: pl.DataFrame, slope: Slope | float, **columns: str) -> pl.DataFrame:
    """Losses as if every variant of a size had spent the same training FLOPs (``columns`` as in ``shift``)."""
    return _shifted(trials, pl.col("flops"), slope, **columns)


def at_equal_seconds(
    trials: pl.DataFrame, slope: Slope | float, throughput: Mapping[str, float] | None = None, **columns: str
) -> pl.DataFrame:
    """Losses as if every variant of a size had trained for the same time.

    ``throughput`` gives tokens/s a variant measured alone on the machine; without it the trials' own median serves,
    which is only fair when they did not run side by side. Where variants repeat over sizes, key by
    ``"size/variant"``.
    """
    name, size = columns.get("variant", "variant"), columns.get("size", "size")
    seconds = pl.col("tokens") / pl.col("tokens_per_s")
    if throughput is not None:
        keys = pl.col(name).cast(pl.String)
        if size in trials.columns and any("/" in key for key in throughput):
            keys = pl.concat_str(pl.col(size).cast(pl.String), keys, separator="/")
        missing = sorted(set(trials.select(keys.alias("key"))["key"]) - set(throughput))
        if missing:
            raise invalid("throughput", missing[0], "has no measurement", choices=throughput)
        seconds = pl.col("tokens") / keys.replace_strict(dict(throughput), return_dtype=pl.Float64)
    return _shifted(trials, seconds, slope, **columns)


def memory_slope(trials: pl.DataFrame, metric: str = "val_bpb", *, size: str = "size") -> Slope | None:
    """What a larger memory buys: slope of log mean loss against log mean memory over sizes; None with one size."""
    done = _done(trials, metric)
    if size not in done.columns or "memory_bytes" not in done.columns:
        return None
    means = done.group_by(size, maintain_order=True).agg(
        pl.col(metric).log().mean(), pl.col("memory_bytes").cast(pl.Float64).log().mean()
    )
    if len(means) < 2 or means["memory_bytes"].n_unique() < 2:
        return None
    x, y = means["memory_bytes"].to_numpy(), means[metric].to_numpy()
    (slope, level), residual = np.polyfit(x, y, 1), 0.0
    if len(x) > 2:
        error = y - (slope * x + level)
        residual = float(np.sqrt(error @ error / (len(x) - 2) / ((x - x.mean()) ** 2).sum()))
    return Slope(max(-float(slope), 0.0), residual, len(x))


def at_equal_memory(trials: pl.DataFrame, *, cap: float | None = None, **columns: str) -> pl.DataFrame:
    """Losses as if every variant filled the same memory.

    A variant that needs less memory could have been made larger. What that is worth is read off the study's own
    sizes: ``loss * (reference / memory) ** (-slope)`` with ``memory_slope``. With one size that slope is not
    known: losses stay as they are, and only variants over ``cap`` drop out.

    Parameters
    ----------
    cap
        Bytes; variants above it are not in the race (they do not fit), whatever their loss.
    """
    slope = memory_slope(trials, columns.get("metric", "val_bpb"), size=columns.get("size", "size"))
    rows = trials
    if cap is not None:
        rows = trials.filter(pl.col("memory_bytes").max().over(columns.get("variant", "variant")) <= cap)
        if rows.is_empty():
            least = trials["memory_bytes"].min()
            raise invalid("cap", cap, f"is below the smallest variant's {least} bytes")
    return _shifted(rows, pl.col("memory_bytes").cast(pl.Float64), slope or 0.0, **columns)


def _done(trials: pl.DataFrame, metric: str) -> pl.DataFrame:
    rows = trials.filter(pl.col(metric).is_finite().fill_null(False))
    return rows.filter(pl.col("status") == "done") if "status" in rows.columns else rows


def _shifted(
    trials: pl.DataFrame,
    cost: pl.Expr,
    slope: Slope | float,
    *,
    metric: str = "val_bpb",
    variant: str = "variant",
    size: str = "size",
) -> pl.DataFrame:
    """Finished trials with ``metric`` moved to equal cost; adds ``unadjusted``, ``cost_ratio`` and ``far``.

    ``cost_ratio`` is how many times its present cost a variant may spend. Costs are medians over a variant's seeds, so
    that a noisy clock does not reach the loss of one seed.
    """
    rate = slope.value if isinstance(slope, Slope) else float(slope)
    within = [size] if size in trials.columns else []
    rows = _done(trials, metric).with_columns(cost.cast(pl.Float64).alias("_cost"))
    bad = rows.filter(~(pl.col("_cost").is_finite() & (pl.col("_cost") > 0)).fill_null(False))
    if len(bad):
        raise StudyError(
            f"variant {bad[variant][0]!r} has no cost to compare at (flops, tokens_per_s or memory is empty)"
        )
    rows = rows.with_columns(pl.col("_cost").median().over([*within, variant]))
    per_variant = rows.unique([*within, variant], maintain_order=True)
    if within:
        reference = per_variant.group_by(within, maintain_order=True).agg(
            pl.col("_cost").log().mean().exp().alias("_reference")
        )
        rows = rows.join(reference, on=within, how="left", maintain_order="left")
    else:
        rows = rows.with_columns(
            pl.lit(float(np.exp(np.log(per_variant["_cost"].to_numpy()).mean()))).alias("_reference")
        )
    ratio = pl.col("_reference") / pl.col("_cost")
    return rows.with_columns(
        pl.col(metric).alias("unadjusted"),
        ratio.alias("cost_ratio"),
        ((ratio > _FAR) | (ratio < 1 / _FAR)).alias("far"),
        (pl.col(metric) * ratio ** (-rate)).alias(metric),
    ).drop("_cost", "_reference")
