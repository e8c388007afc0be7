"""One field at a time: the values of each, what they decide, and how they stand to the common recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from studylib import analysis
from studylib.analysis import Decision
from studylib.errors import StudyError, invalid
from studylib.ideas.hyperparameters.recipe import base
from studylib.ideas.hyperparameters.schema import HyperparametersParams
from studylib.spec.search import Value
from studylib.spec.setting import field_label


@dataclass(frozen=True)
class Factor:
    """One field swept with the others held: ``trials`` at each value's rate, and what they decide (None: cannot be told).

    ``values`` of the ``field`` by variant.
    """

    field: str
    values: Mapping[str, Value]
    trials: pl.DataFrame
    decision: Decision | None


def found_in(trials: pl.DataFrame, params: HyperparametersParams) -> list[Factor]:
    """Every factor of the family ``factor``; a tuned one at the rate of each value that the other seeds chose."""
    found = []
    for field, values in (params.factors | params.tuned_factors).items():
        own = trials.filter((pl.col("family") == "factor") & (pl.col("factor") == field_label(field)))
        judged = analysis.judged_by_other_seeds(own, "lr_factor")
        try:
            decision = analysis.decide(judged)
        except StudyError:  # one value, or one seed
            decision = None
        found.append(Factor(field, {f"{field_label(field)} {value}": value for value in values}, judged, decision))
    return found


def beside_common(found: Sequence[Factor], common: pl.DataFrame) -> pl.DataFrame:
    """The trials of all values of all factors, and of the common recipe (``common``) under that name."""
    shared = set(common["hash"].to_list())
    others = [one.trials.filter(~pl.col("hash").is_in(list(shared))) for one in found]
    base = common.with_columns(pl.lit("common recipe").alias("variant"))
    columns = ["variant", "seed", "status", "val_bpb"]
    rows = pl.concat([base.select(columns), *(one.select(columns) for one in others)])
    return rows.unique(["variant", "seed"], maintain_order=True)


def common_recipe(found: Sequence[Factor], params: HyperparametersParams) -> pl.DataFrame:
    """The trials of the factors that are the common recipe itself (a factor's value that changes nothing).

    Raises
    ------
    StudyError
        No factor has the common recipe's own value among its values.
    """
    wanted = {base(params, params.hidden_size, seed).hash for seed in params.seeds}
    rows = pl.concat([one.trials for one in found]).filter(pl.col("hash").is_in(list(wanted)))
    if rows.is_empty():
        names = [one.field for one in found]
        raise invalid("factors", names, "lack the common recipe's own value; give it as one of a factor's values")
    return rows.unique(["hash"], maintain_order=True)
