"""Idea 2's tables: the decision inside each factor, and the combination against the sum of its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from studylib.analysis import (
    Additivity,
    Decision,
    check_additivity,
    decide,
    finished_variants,
)
from studylib.ideas._shared.variants import BASELINE
from studylib.ideas.architecture.trials import COMBINED


def factor_decisions(trials: pl.DataFrame, factors: Mapping[str, Sequence[str]]) -> dict[str, Decision]:
    """Who is best inside each factor, the baseline among them.

    ``trials`` are those of one size, at equal FLOPs; a factor of which nothing finished is left out.
    """
    known = finished_variants(trials)
    found = {}
    for factor, names in factors.items():
        own = [name for name in names if name in known]
        if own and BASELINE in known:
            found[factor] = decide(trials.filter(pl.col("variant").is_in([BASELINE, *own])))
    return found


def sums(trials: pl.DataFrame, parts: Sequence[str]) -> list[Additivity]:
    """The combination against the sum of its parts, at every size where all of them finished."""
    found = []
    for (size,), own in trials.group_by(["size"], maintain_order=True):
        if {BASELINE, COMBINED, *parts} <= finished_variants(own):
            found.append(check_additivity(own, BASELINE, parts, COMBINED, size=str(size)))
    return found
