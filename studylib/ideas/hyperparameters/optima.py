"""Where the learning rate and the batch size are best, and how that moves with size and tokens."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from studylib import analysis
from studylib.analysis import BasinFit, OptimumLaw, RateTransfer
from studylib.errors import StudyError
from studylib.ideas.hyperparameters.schema import HyperparametersParams


def basins(transfer: pl.DataFrame, params: HyperparametersParams) -> dict[str, dict[int, BasinFit]]:
    """The optimum of every parametrisation swept over widths, by width, at the whole budget.

    A width at which fewer than three rates finished has none and is left out.
    """
    rows = transfer.filter(pl.col("tokens_x") == 1.0)
    found: dict[str, dict[int, BasinFit]] = {}
    for init in params.rates:
        found[init] = {}
        for width in sorted(params.widths):
            try:
                own = rows.filter((pl.col("init") == init) & (pl.col("width") == width))
                found[init][width] = analysis.fit_optimum(own, "learning_rate", budget=f"{width} wide")
            except StudyError:  # too many rates diverged: the figure shows what is left
                continue
    return found


def rate_transfers(fits: Mapping[str, Mapping[int, BasinFit]]) -> dict[str, RateTransfer]:
    return {
        init: analysis.rate_transfer(list(by_width), list(by_width.values()))
        for init, by_width in fits.items()
        if by_width
    }


def rate_law(transfer: pl.DataFrame, params: HyperparametersParams) -> tuple[OptimumLaw | None, str]:
    """The best rate of the first parametrisation by size, and by tokens where several budgets were swept."""
    init = next(iter(params.rates))
    rows = transfer.filter(pl.col("init") == init)
    cells = []
    for (_, factor), own in rows.group_by(["width", "tokens_x"], maintain_order=True):
        done = own.filter(pl.col("status") == "done")
        if not len(done):
            continue
        variables = {"params": float(done["non_embedding_params"][0]), "tokens": float(done["tokens"][0])}
        try:
            cells.append((variables, analysis.fit_optimum(own, "learning_rate", budget=f"x{factor:g}")))
        except StudyError:
            continue
    target = {"params": params.target_params, "tokens": params.target_tokens}
    if len(params.token_factors) < 2:
        del target["tokens"]
    return analysis.fit_optimum_law(cells, target)


def inits_at(transfer: pl.DataFrame, params: HyperparametersParams) -> pl.DataFrame:
    """Every parametrisation at hidden_size at the rate the other seeds chose, of equally many; ``variant`` is its name."""
    rows = transfer.filter((pl.col("width") == params.hidden_size) & (pl.col("tokens_x") == 1.0))
    return analysis.judged_by_other_seeds(rows.with_columns(pl.col("init").alias("variant")), "learning_rate")


def batch_trials_at_best(trials: pl.DataFrame) -> pl.DataFrame:
    """The family ``batch``, every batch of every width and length at the rate that the other seeds chose."""
    rows = trials.filter(pl.col("family") == "batch")
    cells = rows.partition_by("width", "tokens_x", maintain_order=True)
    return pl.concat([analysis.judged_by_other_seeds(own, "lr_factor") for own in cells]) if cells else rows


def batch_optima(batches: pl.DataFrame) -> dict[int, dict[int, BasinFit]]:
    """The best batch in tokens a step, by width and training tokens; cells with too few finished trials are left out."""
    found: dict[int, dict[int, BasinFit]] = {}
    for (width, _), own in batches.group_by(["width", "tokens_x"], maintain_order=True):
        tokens = int(own["tokens"].drop_nulls().median() or 0)
        try:
            fit = analysis.fit_optimum(own, "batch_tokens", budget=f"{tokens} tokens, {width} wide")
        except StudyError:  # too many batches diverged: the figure shows what is left
            continue
        found.setdefault(int(width), {})[tokens] = fit
    return {width: dict(sorted(one.items())) for width, one in sorted(found.items())}


def batch_law(
    fits: Mapping[int, Mapping[int, BasinFit]], params: HyperparametersParams
) -> tuple[OptimumLaw | None, str]:
    """The best batch by tokens, and by size where three widths were tried.

    With fewer the law is of tokens alone. That sizes may be left out is an assumption: published sweeps find the best batch to
    go with the tokens and hardly with the size (arXiv 2410.21676, 2503.04715, 2505.13738).
    """
    cells = [
        ({"params": fit.params, "tokens": float(tokens)}, fit)
        for by_length in fits.values()
        for tokens, fit in by_length.items()
    ]
    target = {"tokens": params.target_tokens}
    if len(fits) >= 3:
        target["params"] = params.target_params
    return analysis.fit_optimum_law(cells, target)
