"""How much a wrong learning rate costs: what a common one gives away, sensitivity, and the width of the basin."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from studylib.analysis.selection import judged_by_other_seeds
from studylib.errors import StudyError

_NEAR = 0.01  # of the best loss above it: within this a rate still belongs to the basin


def common_rate_cost(trials: pl.DataFrame) -> pl.DataFrame:
    """For each variant tried at several ``lr_factor``: the best of them, and what the common rate (factor 1) gives away.

    ``given_away`` is the common rate's loss above that of the rate which the *other* seeds chose, averaged over seeds: the
    least of several noisy means is too low, so seeds that chose a rate do not judge it. It may come out below zero, where
    choosing brought nothing.

    Columns ``variant, best_factor, given_away`` (bits per byte; null with a single seed); variants without a finished
    common-rate trial are left out.
    """
    rows = trials.filter(pl.col("status") == "done")
    means = (
        rows.group_by("variant", "lr_factor", maintain_order=True)
        .agg(pl.col("val_bpb").mean(), pl.len().alias("_seeds"))
        .filter(pl.col("_seeds") == pl.col("_seeds").max().over("variant"))
        .sort("val_bpb", maintain_order=True)
    )
    best = means.unique("variant", keep="first", maintain_order=True).select("variant", best_factor="lr_factor")
    common = rows.filter(pl.col("lr_factor") == 1.0).select("variant", "seed", common="val_bpb")
    judged = judged_by_other_seeds(trials, "lr_factor").select("variant", "seed", judge="val_bpb")
    cost = common.join(judged, on=["variant", "seed"], how="left", maintain_order="left")
    cost = cost.group_by("variant", maintain_order=True).agg(
        given_away=pl.when(pl.len() > 1).then((pl.col("common") - pl.col("judge")).mean())
    )
    return cost.join(best, on="variant", how="inner", maintain_order="left").select(
        "variant", "best_factor", "given_away"
    )


def learning_rate_sensitivity(trials: pl.DataFrame, *, start: float) -> pl.DataFrame:
    """Learning-rate sensitivity of Wortsman et al. 2023 (arXiv 2309.14322, section 2.2), a row a variant and seed.

    The mean over the rates tried of ``min(loss, start) - best loss``. A trial that diverged or died counts with ``start``,
    so instability costs what it costs and nothing is left out.

    Parameters
    ----------
    start
        Loss before training, bits per byte.

    Returns
    -------
    Columns ``variant``, ``seed``, ``sensitivity`` (bits per byte), ``best_factor``, ``width`` (octaves of learning rate
    about the best one within `_NEAR`, to the edges of what was tried), ``open`` (whether the basin reaches an edge, so
    that ``width`` is a lower bound).

    Raises
    ------
    StudyError
        Variants were not tried at the same rates, or at fewer than two.
    """
    value = pl.when(pl.col("status") == "done").then(pl.col("val_bpb").cast(pl.Float64)).otherwise(None).fill_nan(None)
    rows = trials.with_columns(pl.min_horizontal(value.fill_null(start), pl.lit(float(start))).alias("_loss"))
    records, rates = [], None
    for (name, seed), own in rows.group_by(["variant", "seed"], maintain_order=True):
        own = own.unique("lr_factor", maintain_order=True).sort("lr_factor")
        factors, losses = own["lr_factor"].to_numpy().astype(float), own["_loss"].to_numpy()
        if rates is not None and factors.tolist() != rates:
            raise StudyError(f"variant {name!r} was tried at learning rates x{factors.tolist()}, others at x{rates}")
        rates = factors.tolist()
        if len(rates) < 2:
            raise StudyError("learning-rate sensitivity needs at least two learning rates (lr_factors)")
        best = int(losses.argmin())
        left, right = _basin(losses <= losses[best] * (1 + _NEAR), best)
        records.append(
            {
                "variant": str(name), "seed": seed, "sensitivity": float(np.mean(losses - losses[best])),
                "best_factor": float(factors[best]), "width": math.log2(factors[right] / factors[left]),
                "open": left == 0 or right == len(factors) - 1,
            }
        )  # fmt: skip
    if not records:
        raise StudyError("no trial was made at another learning rate (lr_factors)")
    return pl.DataFrame(records)


def _basin(inside: np.ndarray, best: int) -> tuple[int, int]:
    """First and last of the unbroken run of True around ``best``."""
    left = right = best
    while left > 0 and inside[left - 1]:
        left -= 1
    while right + 1 < len(inside) and inside[right + 1]:
        right += 1
    return left, right
