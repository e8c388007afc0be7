"""Which variants finished often enough to be judged."""

from __future__ import annotations

import polars as pl

from studylib.errors import StudyError


def finished_variants(trials: pl.DataFrame, seeds: int = 2) -> set[str]:
    """Variants that finished ``seeds`` seeds or more; with two they can be judged."""
    done = trials.filter((pl.col("status") == "done") & pl.col("val_bpb").is_finite().fill_null(False))
    counts = done.group_by("variant").agg(pl.col("seed").n_unique())
    return set(counts.filter(pl.col("seed") >= seeds)["variant"])


def judged(trials: pl.DataFrame) -> pl.DataFrame:
    """The trials without those of variants that cannot be judged at some size; the report lists their failures.

    At a size that was trained with one seed, which judges nobody, a variant only has to have finished.

    Raises
    ------
    StudyError
        No variant finished two seeds at any size.
    """
    by_size = [own for _, own in trials.group_by("size", maintain_order=True)]
    bars = [2 if own["seed"].n_unique() > 1 else 1 for own in by_size]
    several = [finished_variants(own) for own, bar in zip(by_size, bars, strict=True) if bar > 1]
    if not any(several):
        raise StudyError(
            "no variant finished two seeds at any size, so nothing is known of the noise and nothing can be compared; "
            "give seeds 2 or more"
        )
    known = set.intersection(*(finished_variants(own, bar) for own, bar in zip(by_size, bars, strict=True)))
    return trials.filter(pl.col("variant").is_in(sorted(known)))


def typical_params(rows: pl.DataFrame) -> float:
    """Non-embedding parameters of the typical variant of a size: the lower median of ``non_embedding_params``."""
    return float(rows["non_embedding_params"].quantile(0.5, "lower"))
