"""The three accountings side by side: who wins at equal FLOPs, in equal seconds, in equal memory."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from studylib.analysis.decision import Basis, Decision, decide
from studylib.analysis.equalise import at_equal_flops, at_equal_memory, at_equal_seconds, token_slope


def three_decisions(
    trials: pl.DataFrame,
    curves: pl.DataFrame,
    *,
    size: str,
    throughput: Mapping[str, float] | None = None,
    looks: int = 1,
) -> dict[Basis, Decision]:
    """Decisions about the variants of one size.

    Parameters
    ----------
    trials
        All sizes (equal memory reads off them what a larger model buys), one row a trial.
    curves
        From ``read_curves``: they say what more tokens would have brought.
    size
        Which size to decide at.
    throughput
        Tokens/s by ``size/variant``, measured alone, of this size at least; left out: the trials' own.
    looks
        How many times these trials were judged as seeds were added, this one included.
    """
    slope = token_slope(curves)
    own = trials.filter(pl.col("size") == size)
    adjusted: dict[Basis, pl.DataFrame] = {
        "flops": at_equal_flops(own, slope),
        "seconds": at_equal_seconds(own, slope, throughput),
        "memory": at_equal_memory(trials).filter(pl.col("size") == size),
    }
    return {basis: decide(frame, at=size, looks=looks) for basis, frame in adjusted.items()}
