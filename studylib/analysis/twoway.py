"""The additive model behind every paired comparison: loss = variant + seed + noise.

The same seed means the same data order and the same initial draws, so much of what a seed does it does to
every variant alike. Taking that common part out is what makes small differences visible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from studylib.errors import StudyError, invalid


@dataclass(frozen=True)
class TwoWay:
    """Least-squares fit of ``y[variant, seed] = effect[variant] + seed effect + noise``; cells may be missing.

    Attributes
    ----------
    variants
        Names, in order of first appearance.
    effects
        [V] mean loss of each variant at the average seed.
    covariance
        [V, V] covariance of ``effects`` up to the common (seed) part, divided by ``sd ** 2``.
    sd
        Residual standard deviation: noise of one trial once the seed's common effect is out.
    unpaired_sd
        Pooled standard deviation over seeds inside a variant, seed effect included.
    dof, unpaired_dof
        Degrees of freedom of the two.
    seeds
        Seeds each variant finished.
    values
        [V, S] the losses themselves, seeds in rising order; NaN where a variant lacks a seed.
    """

    variants: tuple[str, ...]
    effects: np.ndarray
    covariance: np.ndarray
    sd: float
    unpaired_sd: float
    dof: int
    unpaired_dof: int
    seeds: dict[str, tuple[int, ...]]
    values: np.ndarray


def finished(frame: pl.DataFrame, metric: str, *, variant: str = "variant") -> pl.DataFrame:
    """Rows that can be compared: done, with a finite ``metric``.

    Raises
    ------
    StudyError
        A column is missing, or one variant has two different results for one seed.
    """
    for column in (metric, variant, "seed"):
        if column not in frame.columns:
            raise invalid("column", column, "is not in the table of trials", choices=frame.columns)
    rows = frame.filter(pl.col(metric).is_finite().fill_null(False))
    if "status" in frame.columns:
        rows = rows.filter(pl.col("status") == "done")
    # A column for the variant alone: numbers and strings are both welcome as names.
    rows = rows.with_columns(pl.col(variant).cast(pl.String))
    twice = rows.group_by(variant, "seed").len().filter(pl.col("len") > 1)
    if len(twice):
        name, number, count = twice.row(0)
        raise StudyError(
            f"{variant} {name!r} has {count} results for seed {number}: select one size or budget before comparing"
        )
    return rows


def fit_two_way(
    frame: pl.DataFrame, metric: str = "val_bpb", *, variant: str = "variant", own_noise: bool = True
) -> TwoWay:
    """Fit the additive model to the finished trials of ``frame`` (one row a trial).

    Without ``own_noise`` the trials need not tell their noise, as those of a size with one seed: ``sd`` and ``dof`` are then 0.

    Raises
    ------
    StudyError
        Fewer than two variants, fewer than two seeds in common, or groups of variants that share no seed:
        then there is no noise to judge by.
    """
    rows = finished(frame, metric, variant=variant)
    variants = tuple(rows[variant].unique(maintain_order=True).to_list())
    seeds = tuple(sorted(rows["seed"].unique().to_list()))
    if len(variants) < 2:
        raise StudyError(f"a comparison needs two variants with finished trials; there is {len(variants)}")
    if own_noise and len(seeds) < 2:
        raise StudyError(f"a comparison needs at least 2 seeds to know its noise; there is {len(seeds)} (seed {seeds})")
    v = np.array([variants.index(name) for name in rows[variant]])
    s = np.array([seeds.index(number) for number in rows["seed"]])
    y = rows[metric].to_numpy().astype(float)

    design = np.zeros((len(y), len(variants) + len(seeds)))
    design[np.arange(len(y)), v] = 1.0
    design[np.arange(len(y)), len(variants) + s] = 1.0
    rank = int(np.linalg.matrix_rank(design))
    if rank < len(variants) + len(seeds) - 1:
        raise StudyError("some variants share no seed with the others, so they cannot be compared pair by pair")
    dof = len(y) - rank
    if own_noise and dof < 1:
        raise StudyError("a comparison needs at least 2 variants with 2 seeds in common to know its noise")

    # Minimum-norm solution of the rank-deficient problem; the common level is put back as the seeds' mean.
    inverse = np.linalg.pinv(design.T @ design)
    solution = inverse @ design.T @ y
    residual = y - design @ solution
    count = len(variants)
    effects = solution[:count] + solution[count:].mean()
    within = sum(float(((y[v == i] - y[v == i].mean()) ** 2).sum()) for i in range(count))
    unpaired_dof = len(y) - count
    values = np.full((count, len(seeds)), np.nan)
    values[v, s] = y
    return TwoWay(
        variants=variants,
        effects=effects,
        covariance=inverse[:count, :count],
        sd=float(np.sqrt(residual @ residual / dof)) if dof else 0.0,
        unpaired_sd=float(np.sqrt(within / unpaired_dof)) if unpaired_dof else 0.0,
        dof=dof,
        unpaired_dof=unpaired_dof,
        seeds={name: tuple(sorted(rows.filter(pl.col(variant) == name)["seed"].to_list())) for name in variants},
        values=values,
    )
