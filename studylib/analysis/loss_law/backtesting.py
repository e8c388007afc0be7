"""Interface only so far; the inside follows."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def backtest(
    ladder: pl.DataFrame, *, by: Sequence[str] = ("ladder", "metric"), counting: str = "params"
) -> pl.DataFrame:
    """What the fit on each ladder's smaller sizes said of its larger ones, a row a forecast.

    Parameters
    ----------
    ladder
        Canonical columns: ``ladder, metric, run, params (or another counting), tokens, loss`` and what ``by`` names.
    by
        What is fitted apart; with ``variant`` each corpus has its own law.

    Returns
    -------
    The columns ``by``, then ``fitted_to`` (largest parameters fitted), ``times`` (target / fitted_to), ``run, params, tokens,
    actual, low, middle, high`` (90 % interval), ``error_percent, width_percent, inside``, and ``plain``,
    ``plain_error_percent``: least squares of one form, to compare.
    """
    raise NotImplementedError
