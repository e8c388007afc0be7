"""The track record: what the fit on a ladder's smaller sizes said of its larger ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from studylib.analysis.loss_law.forecasting import LEVEL, Counting, ladder_of
from studylib.analysis.loss_law.projection import plain


def backtest(
    ladder: pl.DataFrame, *, by: Sequence[str] = ("ladder", "metric"), counting: Counting = "params"
) -> pl.DataFrame:
    """Fit to all sizes up to each, forecast every larger run; a row a forecast.

    Parameters
    ----------
    ladder
        ``run``, the column ``counting``, ``tokens``, ``loss`` and what ``by`` names, one row a run and metric.
    by
        What is fitted apart; with ``variant`` each corpus has its own law.

    Returns
    -------
    pl.DataFrame
        The columns ``by``, then ``fitted_to`` (largest parameters fitted), ``runs`` (fitted), ``times`` (target's parameters over
        ``fitted_to``), ``run, params, tokens, actual, low, middle, high`` (90 % interval), ``error_percent`` (forecast above
        the truth), ``width_percent, inside``; and ``plain, plain_error_percent``: least squares of the additive form alone.
        Empty where no group has sizes enough.

    Raises
    ------
    StudyError
        As ``fit_forecaster``; ``by`` names a column that is not there.
    """
    found = []
    for key, rows in ladder.group_by(list(by), maintain_order=True):
        rows = rows.filter(pl.col("loss").is_finite().fill_null(False))
        own = ladder_of(rows, counting)
        if own.refusal() is not None:
            continue
        names = rows["run"].cast(pl.String)[own.order]
        for end in own.ends[:-1]:
            params, tokens, actual = own.params[end:], own.tokens[end:], own.loss[end:]
            losses, _ = own.forecaster(end).draws(params, tokens)
            low, middle, high = np.quantile(losses, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2], axis=0)
            simple = _plain(own.params[:end], own.tokens[:end], own.loss[:end], params, tokens)
            found.append(
                pl.DataFrame(
                    dict(zip(by, key, strict=True))
                    | {"fitted_to": float(own.params[end - 1]), "runs": end}
                    | {"times": params / own.params[end - 1], "run": names[end:], "params": params, "tokens": tokens}
                    | {"actual": actual, "low": low, "middle": middle, "high": high, "plain": simple}
                )
            )
    if not found:
        return pl.DataFrame(schema={**dict.fromkeys(by, pl.String), **_SCHEMA})
    return pl.concat(found).with_columns(
        error_percent=100 * (pl.col("middle") / pl.col("actual") - 1),
        width_percent=100 * (pl.col("high") - pl.col("low")) / pl.col("middle"),
        inside=pl.col("actual").is_between("low", "high"),
        plain_error_percent=100 * (pl.col("plain") / pl.col("actual") - 1),
    ).select(*by, *_SCHEMA)  # fmt: skip


_SCHEMA = {
    "fitted_to": pl.Float64, "runs": pl.Int64, "times": pl.Float64, "run": pl.String, "params": pl.Float64,
    "tokens": pl.Float64, "actual": pl.Float64, "low": pl.Float64, "middle": pl.Float64, "high": pl.Float64,
    "error_percent": pl.Float64, "width_percent": pl.Float64, "inside": pl.Boolean, "plain": pl.Float64,
    "plain_error_percent": pl.Float64,
}  # fmt: skip


def _plain(
    params: np.ndarray, tokens: np.ndarray, loss: np.ndarray, at_params: np.ndarray, at_tokens: np.ndarray
) -> np.ndarray:
    n, d = np.log(params), np.log(tokens)
    fitted = plain(n - n.mean(), d - d.mean(), np.log(loss))
    return np.exp(fitted.log_loss(np.log(at_params) - n.mean(), np.log(at_tokens) - d.mean()))
