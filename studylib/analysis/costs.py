"""What tunings gain against what they forget: which of them no other beats in both."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import stats

_DRAWS = 4000
_BOTH = ("loss", "forgotten")


def tuning_costs(trials: pl.DataFrame, metric: str = "val_bpb", *, random_seed: int = 0) -> pl.DataFrame:
    """Loss of answers and forgetting by variant, and who is on the front.

    Noise is the standard deviation over seeds inside a variant, pooled over all: tunings of different families need not share seeds,
    so a seed's common part stays in it.

    Parameters
    ----------
    trials
        ``family, variant, seed, status``, ``metric`` and ``forgotten``.

    Returns
    -------
    A row a family and variant, by rising loss: ``family, variant, seeds, loss, loss_low, loss_high`` and the same of ``forgotten`` (95 %),
    ``front`` (by the means, no other has less of one and not more of the other), ``p_front`` (share of draws of all means where that
    holds). Empty without a variant of two seeds: there is no noise to judge by.
    """
    done = trials.filter(
        (pl.col("status") == "done")
        & pl.col(metric).is_finite().fill_null(False)
        & pl.col("forgotten").is_finite().fill_null(False)
    )
    values = done.with_columns(pl.col(metric).cast(pl.Float64).alias("loss"), pl.col("forgotten").cast(pl.Float64))
    key = ["family", "variant"]
    table = values.group_by(key, maintain_order=True).agg(pl.len().alias("seeds"), pl.col(_BOTH).mean()).sort("loss")
    dof = int((table["seeds"] - 1).sum()) if len(table) else 0
    if dof < 1:
        return table.clear()
    inner = values.with_columns((pl.col(name) - pl.col(name).mean().over(key)) for name in _BOTH)
    generator = np.random.default_rng(random_seed)
    counts, means, draws = table["seeds"].to_numpy(), [], []
    for name in _BOTH:
        error = float((inner[name] ** 2).sum() / dof) ** 0.5 / np.sqrt(counts)
        half = float(stats.t.ppf(0.975, dof)) * error
        table = table.with_columns(
            (pl.col(name) - half).alias(f"{name}_low"), (pl.col(name) + half).alias(f"{name}_high")
        )
        means.append(table[name].to_numpy())
        scale = np.sqrt(dof / generator.chisquare(dof, (_DRAWS, 1)))
        draws.append(means[-1] + error * scale * generator.standard_normal((_DRAWS, len(table))))
    shares = _front(np.stack(draws, axis=-1)).mean(axis=0)
    front = _front(np.stack(means, axis=-1)[None])[0]
    return table.with_columns(front=pl.Series(front), p_front=pl.Series(shares))


def _front(points: np.ndarray) -> np.ndarray:
    """[K, V] whether no other of [K, V, 2] has less of one and not more of the other."""
    other, own = points[:, :, None], points[:, None]
    beaten = (other <= own).all(axis=-1) & (other < own).any(axis=-1)  # [K, other, own]
    return ~beaten.any(axis=1)
