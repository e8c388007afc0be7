"""Whether the model's reward goes on rising where the true score falls: both over the distance from the start."""

from __future__ import annotations

import polars as pl

from studylib.findings._finding import Finding


class OverOptimisation(Finding):
    name = "over_optimisation"

    @classmethod
    def of(cls, rows: pl.DataFrame, starts: pl.DataFrame) -> OverOptimisation | None:
        """None with fewer than two points beside the start, or where no reward model was asked.

        Parameters
        ----------
        rows
            A row a trial (or place along a run) and prompt (`analysis.read_evaluation_rows` of ``written`` with ``reference`` and
            ``reward_model``): ``method`` (dpo, rloo, ...; a line each), ``variant`` (a point each: a beta, a step), ``seed``, ``item``,
            ``kl`` (nats: log p/p_ref of what was written), ``reward`` (the model's), ``score`` (the judge's, 0 to 1).
        starts
            The same of what they began with, at the same seeds: ``seed``, ``item``, ``reward``, ``score``. Their ``kl`` is 0.
        """
        raise NotImplementedError
