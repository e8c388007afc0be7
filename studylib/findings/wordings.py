"""Whether more wordings of the instructions make a model that minds less how it is asked."""

from __future__ import annotations

import polars as pl

from studylib.findings._finding import Finding


class Wordings(Finding):
    name = "wordings"

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Wordings | None:
        """None with fewer than two numbers of trained wordings that share two seeds.

        Parameters
        ----------
        rows
            A row a trial, question and held-out wording (`analysis.read_evaluation_rows` of ``multiple_choice``): ``wordings`` (how
            many the model was tuned on), ``seed``, ``item``, ``wording``, ``right`` (0 or 1), ``bits_per_byte`` (of the right
            answer).
        """
        raise NotImplementedError
