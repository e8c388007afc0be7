"""What tuning gains in answers, against what it loses of the text that the model was pre-trained on."""

from __future__ import annotations

import polars as pl

from studylib.findings._finding import Finding


class TuningCost(Finding):
    name = "tuning_cost"

    @classmethod
    def of(
        cls, trials: pl.DataFrame, text: str, start: float | None = None, metric: str = "val_bpb"
    ) -> TuningCost | None:
        """None where fewer than two variants finished with two seeds in common.

        Parameters
        ----------
        trials
            A row a trial, of one size: ``variant``, ``seed``, ``status``, ``family`` (a marker each), ``metric`` (bits per byte of held-out
            answers), ``forgotten`` (bits per byte of the pre-training text above those of the model before tuning; negative: it
            got better).
        text
            Label of that text.
        start
            ``metric`` of the model before tuning; None: it was not asked.
        """
        raise NotImplementedError
