"""A few answers, before and after."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from studylib.findings._finding import Finding


class WrittenAnswers(Finding):
    """The words are plain text: whoever shows them escapes them."""

    name = "written_answers"

    @classmethod
    def of(cls, rows: pl.DataFrame, order: Sequence[str], prompts: int = 3) -> WrittenAnswers | None:
        """None without a prompt that all of ``order`` were given.

        Parameters
        ----------
        rows
            A row a model and prompt (`analysis.read_evaluation_rows` of ``written``): ``variant``, ``seed``, ``item``, ``prompt``,
            ``written`` (the answer's text), ``score`` (the judge's, 0 to 1).
        order
            Variants, from before to after. Of each the lowest seed's answers are shown.
        prompts
            How many: the first ones that all were given, whatever the answers.
        """
        raise NotImplementedError
