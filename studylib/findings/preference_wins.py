"""How often a model that was trained on preferences answers better than the one it began with, by the world's own truth."""

from __future__ import annotations

import polars as pl

from studylib.findings._finding import Finding


class PreferenceWins(Finding):
    name = "preference_wins"

    @classmethod
    def of(cls, rows: pl.DataFrame, starts: pl.DataFrame) -> PreferenceWins | None:
        """None where no variant shares prompts and a seed with its start.

        Parameters
        ----------
        rows
            A row a trial and prompt (`analysis.read_evaluation_rows` of ``written``): ``variant``, ``start`` (name of what it began
            with), ``seed``, ``item``, the judge's ``truth``, ``topic``, ``manner``, ``ending`` and their mean ``score``, each 0 to 1, and
            ``characters``.
        starts
            The same of the models that they began with, at the same seed; ``start`` is their own name.
        """
        raise NotImplementedError
