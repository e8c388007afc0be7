"""One field at a time: the values of each, what they decide, and how they stand to the common recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from studylib import analysis
from studylib.analysis import Decision
from studylib.errors import StudyError, invalid
from studylib.ideas.hyperparameters.recipe import base
from studylib.ideas.hyperparameters.schema import HyperparametersParams
from studylib.spec import TrialSpec


@dataclass(frozen=True)
class Factor:
    """One field swept with the others held: ``trials`` at each value's rate, and what they decide (None: cannot be told)."""

    name: str
    values: tuple[str, ...]
    trials: pl.DataFrame
    decision: Decision | None

    @property
    def best(self) -> str:
        return self.decision.leader.removeprefix(f"{self.name} ") if self.decision else "–"

    @property
    def rivals(self) -> tuple[str, ...]:
        """Values that may still be better."""
        return tuple(one.removeprefix(f"{self.name} ") for one in self.decision.rivals) if self.decision else ()


def found_in(trials: pl.DataFrame) -> list[Factor]:
    """Every factor of the family ``factor``; a tuned one at the rate of each value that the other seeds chose."""
    found = []
    rows = trials.filter(pl.col("family") == "factor")
    for (name,), own in rows.group_by(["factor"], maintain_order=True):
        judged = analysis.judged_by_other_seeds(own, "lr_factor")
        try:
            decision = analysis.decide(judged)
        except StudyError:  # one value, or one seed
            decision = None
        values = tuple(own["value"].unique(maintain_order=True).to_list())
        found.append(Factor(str(name), values, judged, decision))
    return found


def against_common(found: Sequence[Factor], common: pl.DataFrame) -> pl.DataFrame:
    """All values of all factors as differences to the common recipe (``common``: its trials), for a forest."""
    shared = set(common["hash"].to_list())
    others = [one.trials.filter(~pl.col("hash").is_in(list(shared))) for one in found]
    base = common.with_columns(pl.lit("common recipe").alias("variant"))
    columns = ["variant", "seed", "status", "val_bpb"]
    return analysis.compare_to_baseline(
        pl.concat([base.select(columns), *(one.select(columns) for one in others)]).unique(
            ["variant", "seed"], maintain_order=True
        ),
        "common recipe",
    )


def common_recipe(found: Sequence[Factor], specs: Sequence[TrialSpec], params: HyperparametersParams) -> pl.DataFrame:
    """The trials of the factors that are the common recipe itself (a factor's value that changes nothing).

    Raises
    ------
    StudyError
        No factor has the common recipe's own value among its values.
    """
    wanted = {base(params, params.hidden_size, seed).hash for seed in params.seeds}
    rows = pl.concat([one.trials for one in found]).filter(pl.col("hash").is_in(list(wanted)))
    if rows.is_empty():
        names = [one.name for one in found]
        raise invalid("factors", names, "lack the common recipe's own value; give it as one of a factor's values")
    return rows.unique(["hash"], maintain_order=True)
