"""Right answers to questions that nobody trained on: by chance, before tuning and after it."""

from __future__ import annotations

import polars as pl

from studylib.findings._finding import Finding


class TunedAccuracy(Finding):
    name = "tuned_accuracy"

    @classmethod
    def of(cls, rows: pl.DataFrame, untuned: pl.DataFrame, chance: float) -> TunedAccuracy | None:
        """None without a tuned model.

        Parameters
        ----------
        rows
            A row a trial, question and wording (`analysis.read_evaluation_rows` of ``multiple_choice``) of the tuned models:
            ``variant``, ``seed``, ``item``, ``right`` (0 or 1).
        untuned
            The same of the model that they all began with: ``item``, ``right``. May be empty: it was not asked.
        chance
            Share of right answers of a model that knows nothing.
        """
        raise NotImplementedError
