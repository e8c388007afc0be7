"""Selection is paid for: the seeds that chose a setting do not judge it."""

from __future__ import annotations

import polars as pl


def judged_by_other_seeds(trials: pl.DataFrame, choice: str) -> pl.DataFrame:
    """One trial a variant and seed: the one at the value of ``choice`` that all *other* seeds find best (cross-fitting).

    The least of five noisy means is lower than the truth, and the more so the flatter a variant's response is: by its own
    seeds' choice a flat variant leads an equally good peaked one far too often. Here every loss is that of a seed which had no
    say, so a variant's mean is honest about what tuning with these seeds brings.

    Parameters
    ----------
    trials
        One row a trial: columns ``variant``, ``seed``, ``status``, ``val_bpb`` and that of ``choice``.

    Returns
    -------
    Rows of ``trials``, in their order. Only values at which every other seed finished can be chosen; a variant without one is
    left out. A chosen trial that failed keeps its row. With a single seed, that seed chooses for itself: there is nothing to
    compare then.
    """
    seeds = trials["seed"].unique(maintain_order=True).to_list()
    done = trials.filter((pl.col("status") == "done") & pl.col("val_bpb").is_finite().fill_null(False))
    parts = []
    for seed in seeds:
        voters = done.filter(pl.col("seed") != seed) if len(seeds) > 1 else done
        best = (
            voters.group_by("variant", choice, maintain_order=True)
            .agg(pl.col("val_bpb").mean().alias("_mean"), pl.col("seed").n_unique().alias("_seeds"))
            .filter(pl.col("_seeds") == max(1, len(seeds) - 1))
            .sort("_mean", maintain_order=True)
            .unique("variant", keep="first", maintain_order=True)
        )
        own = trials.with_row_index("_row").filter(pl.col("seed") == seed)
        parts.append(own.join(best.select("variant", choice), on=["variant", choice], how="semi"))
    return pl.concat(parts).sort("_row").drop("_row") if parts else trials
