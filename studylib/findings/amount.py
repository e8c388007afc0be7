"""How many rows, read how often: where repeating them stops helping."""

from __future__ import annotations

import polars as pl

from studylib.findings._finding import Finding


class Amount(Finding):
    name = "amount"

    @classmethod
    def of(cls, trials: pl.DataFrame, metric: str = "val_bpb") -> Amount | None:
        """None where no number of rows was read at two numbers of epochs by two seeds.

        Parameters
        ----------
        trials
            A row a trial, of one size: ``rows`` (answers in the training text), ``epochs`` (times each is read), ``seed``, ``status``,
            ``metric`` (bits per byte of held-out answers).
        """
        raise NotImplementedError
