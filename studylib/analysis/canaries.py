"""How much of planted personal data models remember."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl

from studylib.analysis.crossed import crossed_table
from studylib.analysis.probes import at_the_end, probe_records, with_trials


def read_canaries(out: Path, trials: pl.DataFrame) -> pl.DataFrame:
    """The probe ``canaries`` at the end of training: a row a trial and canary.

    Columns: ``hash``, ``step``, ``tokens``, ``canary``, ``copies`` (documents of the web text that it was planted in, before any
    cleaning; 0: never), ``duplicated`` (whether these are one document and copies of it), ``candidates`` (secrets that are
    ranked), ``exposure`` (bits), then those of ``trials``.
    """
    schema = {"canary": pl.String, "copies": pl.Int64, "duplicated": pl.Boolean, "candidates": pl.Int64}
    rows = [
        about | {"canary": name, "copies": one["copies"], "duplicated": one["duplicated"], "candidates": found["candidates"]}
        | {"exposure": math.log2(found["candidates"] / one["rank"])}
        for about, probes in probe_records(out, trials) if (found := probes.get("canaries"))
        for name, one in found["canaries"].items()
    ]  # fmt: skip
    return at_the_end(with_trials(rows, schema | {"exposure": pl.Float64}, trials))


def chance_exposure(candidates: int) -> float:
    """Expected exposure in bits of a secret that the model does not know: its rank is any of 1 to ``candidates``.

    Close to log2(e) = 1.44 where there are many (Carlini et al. 2019, arXiv 1802.08232).
    """
    return math.log2(candidates) - math.lgamma(candidates + 1) / math.log(2) / candidates


def exposure_table(rows: pl.DataFrame, baseline: str) -> pl.DataFrame:
    """By number of copies, way of planting and variant: `crossed_table` of the exposure.

    Parameters
    ----------
    rows
        From `read_canaries`, of one size.

    Returns
    -------
    The columns of `crossed_table`, by rising ``copies`` and ``duplicated``; ``chance``, and ``cap``: that of a secret that is ranked first.
    """
    candidates = rows["candidates"][0]
    chance, cap = chance_exposure(candidates), math.log2(candidates)
    table = crossed_table(
        rows,
        "exposure",
        item="canary",
        group=["copies", "duplicated"],
        chance=chance,
        baseline=baseline,
        limits=(0.0, cap),
    )
    return table.with_columns(chance=pl.lit(chance), cap=pl.lit(cap)).sort("copies", "duplicated", maintain_order=True)
