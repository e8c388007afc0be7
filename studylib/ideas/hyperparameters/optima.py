"""Where the learning rate and the batch size are best, and how that moves with size and tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping

import polars as pl

from studylib import analysis
from studylib.analysis import CarriedOptimum, NoValley, RateTransfer, Valley, Valleys
from studylib.ideas.hyperparameters.schema import HyperparametersParams
from studylib.result import Text

# Loss climbs steeply where training gets unstable: only what is within this share of the best is fitted.
_WINDOW = 0.03
_CELL = ("width", "tokens_x")
# Exponents of rates and batches are known beforehand: a parametrisation is built so that the rate has none by width, and published sweeps
# find the same for the batch at sizes far apart (arXiv 2410.21676, 2503.04715). So they are carried as far as their error allows.
_STAYS = math.inf


def rate_valleys(transfer: pl.DataFrame, params: HyperparametersParams) -> dict[str, Valleys]:
    """Loss over rates by width at the whole budget, a joint fit for every parametrisation that was swept.

    A width at which fewer than three rates finished is left out; so is a parametrisation with no other width.
    """
    rows = transfer.filter((pl.col("tokens_x") == 1.0) & pl.col("width").is_in(sorted(params.widths)))
    found: dict[str, Valleys] = {}
    for init in params.rates:
        try:
            found[init] = analysis.fit_valleys(
                rows.filter(pl.col("init") == init), "learning_rate", by=("width",), variables={"width": "width"}, window=_WINDOW
            )  # fmt: skip
        except NoValley:  # too many rates diverged: the figure shows what is left
            continue
    return found


def by_width(valleys: Mapping[str, Valleys]) -> dict[str, dict[int, Valley]]:
    """The valleys of every parametrisation, by width."""
    return {init: {int(width): fit for (width,), fit in one.by_key.items()} for init, one in valleys.items()}


def by_size(fits: Mapping[int, Valley], transfer: pl.DataFrame) -> dict[str, Valley]:
    """The valleys of one parametrisation by the size that its width means."""
    sizes = dict(transfer.select("width", "size").unique().iter_rows())
    return {sizes[width]: fit for width, fit in fits.items()}


def rate_transfers(valleys: Mapping[str, Valleys]) -> dict[str, RateTransfer]:
    return {init: analysis.rate_transfer(one) for init, one in valleys.items()}


def rate_law(transfer: pl.DataFrame, params: HyperparametersParams) -> tuple[CarriedOptimum | None, Text | None]:
    """The best rate of the first parametrisation by size, and by tokens where several budgets were swept."""
    init = next(iter(params.rates))
    variables = {"params": "non_embedding_params", "tokens": "tokens"}
    target = {"params": params.target_params, "tokens": params.target_tokens}
    if len(params.token_factors) < 2:
        del variables["tokens"], target["tokens"]
    rows = transfer.filter(pl.col("init") == init)
    try:
        valleys = analysis.fit_valleys(rows, "learning_rate", by=_CELL, variables=variables, window=_WINDOW)
    except NoValley as error:
        return None, error.reason
    return valleys.carry(target, reach=_STAYS)


def inits_at(transfer: pl.DataFrame, params: HyperparametersParams) -> pl.DataFrame:
    """Every parametrisation at hidden_size at the rate the other seeds chose, of equally many; ``variant`` is its name."""
    rows = transfer.filter((pl.col("width") == params.hidden_size) & (pl.col("tokens_x") == 1.0))
    return analysis.judged_by_other_seeds(rows.with_columns(pl.col("init").alias("variant")), "learning_rate")


def batch_trials_at_best(trials: pl.DataFrame) -> pl.DataFrame:
    """The family ``batch``, every batch of every width and length at the rate that the other seeds chose."""
    rows = trials.filter(pl.col("family") == "batch")
    cells = rows.partition_by("width", "tokens_x", maintain_order=True)
    return pl.concat([analysis.judged_by_other_seeds(own, "lr_factor") for own in cells]) if cells else rows


def batch_valleys(batches: pl.DataFrame) -> Valleys | None:
    """Loss over tokens a step by width and training tokens; None where too few trials finished.

    The best batch may move with the tokens, and with the size where three widths were tried. That sizes may be left out
    otherwise is an assumption: published sweeps find the best batch to go with the tokens and hardly with the size (arXiv
    2410.21676, 2503.04715, 2505.13738).
    """
    variables = {"tokens": "tokens"}
    if batches["width"].n_unique() >= 3:
        variables["params"] = "non_embedding_params"
    try:
        return analysis.fit_valleys(
            batches, "batch_tokens", by=_CELL, variables=variables, window=_WINDOW
        )  # fmt: skip
    except NoValley:  # too many batches diverged: the figure shows what is left
        return None


def by_length(valleys: Valleys | None) -> dict[int, dict[int, Valley]]:
    """The valleys by width and training tokens."""
    found: dict[int, dict[int, Valley]] = {}
    for (width, _), fit in valleys.by_key.items() if valleys else ():
        found.setdefault(int(width), {})[round(fit.sizes["tokens"])] = fit
    return {width: dict(sorted(one.items())) for width, one in sorted(found.items())}


def batch_law(valleys: Valleys | None, params: HyperparametersParams) -> tuple[CarriedOptimum | None, Text | None]:
    """The best batch at the target."""
    if valleys is None:
        return None, Text(en="too few batches finished", ja="完了したバッチが足りない")
    target = {"tokens": params.target_tokens, "params": params.target_params}
    return valleys.carry({name: target[name] for name in valleys.variables}, reach=_STAYS)
