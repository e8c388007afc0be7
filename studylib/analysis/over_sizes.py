"""Trials of several sizes as arrays: what the model over sizes reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from studylib.analysis.twoway import finished
from studylib.errors import StudyError


@dataclass(frozen=True)
class OverSizes:
    """Finished trials as numbers.

    Attributes
    ----------
    variants
        Names, in order of first appearance.
    sizes
        Non-embedding parameters by label, smallest first.
    arrays
        [T] each: ``100 * log(loss)``, so that differences are percent and no effect takes more than the whole loss; and the numbers of
        variant, size and seed.
    level
        [S] mean loss.
    trials
        The trials, in the order of ``arrays``.
    """

    variants: list[str]
    sizes: dict[str, float]
    arrays: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    level: np.ndarray
    trials: pl.DataFrame

    @classmethod
    def of(cls, trials: pl.DataFrame) -> OverSizes:
        """From one row a trial; sizes with one variant are left out.

        Raises
        ------
        StudyError
            Nothing can be compared, or there is nothing to judge the noise by.
        """
        rows = trials.with_columns(pl.concat_str("size", "variant", separator="\n").alias("_cell"))
        rows = finished(rows, "val_bpb", variant="_cell").with_columns(
            pl.col("variant", "size").cast(pl.String),
            pl.col("val_bpb").cast(pl.Float64).alias("loss"), pl.col("non_embedding_params").cast(pl.Float64),
        )  # fmt: skip
        if not (rows["loss"] > 0).all():
            raise StudyError("val_bpb must be positive to be compared in percent over sizes")
        rows = rows.filter(pl.col("variant").n_unique().over("size") > 1)
        if rows.is_empty():
            raise StudyError("no size has two variants with finished trials")
        counts = rows.group_by("size").agg(pl.col("non_embedding_params").median()).sort("non_embedding_params", "size")
        sizes = dict(counts.iter_rows())
        names = rows["variant"].unique(maintain_order=True).to_list()
        seeds = {seed: i for i, seed in enumerate(sorted(rows["seed"].unique().to_list()))}
        number = {name: i for i, name in enumerate(sizes)}
        found = cls(
            names,
            sizes,
            (
                100 * np.log(rows["loss"].to_numpy()),
                np.array([names.index(name) for name in rows["variant"]]),
                np.array([number[name] for name in rows["size"]]),
                np.array([seeds[seed] for seed in rows["seed"]]),
            ),
            np.array([rows.filter(pl.col("size") == name)["loss"].mean() for name in sizes]),
            rows,
        )
        found._check()
        return found

    def _check(self) -> None:
        _, variant, size, seed = self.arrays
        left = 0
        for n, name in enumerate(self.sizes):
            rows = size == n
            here, seeds = np.unique(variant[rows]), np.unique(seed[rows])
            design = np.hstack([variant[rows, None] == here, seed[rows, None] == seeds]).astype(float)
            rank = int(np.linalg.matrix_rank(design))
            if rank < len(here) + len(seeds) - 1:
                raise StudyError(f"at {name} some variants share no seed with the others, so they cannot be compared")
            left += int(rows.sum()) - rank
        if left < 1:
            raise StudyError("a comparison needs two variants with two seeds in common at one size to know its noise")

    def errors(self, draws: Mapping[str, np.ndarray] | None) -> np.ndarray | None:
        """[K, V, S] in percent, from [K] draws in units of the metric by ``size/variant``; cells that are not there have none."""
        if not draws:
            return None
        count = len(next(iter(draws.values())))
        nothing = np.zeros(count)
        cells = [
            [100 * np.asarray(draws.get(f"{size}/{name}", nothing)) / level for size, level in zip(self.sizes, self.level, strict=True)]
            for name in self.variants
        ]  # fmt: skip
        return np.array(cells).transpose(2, 0, 1)
