"""Rankings that were held: pairs of variants whose order at a size is compared with that at a larger one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from studylib.analysis.ranking_fit import Series, SeriesFit
from studylib.analysis.reliability import held_share
from studylib.analysis.track_record import CorpusOrder, HeldPairs

FACTORS = (1.5, 5.0, 20.0, 100.0, 1000.0)  # edges, of the larger size over the smaller
GAPS = (0.0, 2.0, 8.0, 32.0, math.inf)  # edges, of the gap over the noise of a difference
LARGEST_GAP = 1000.0  # what is written for the last edge: a record has no infinities
_TAILS = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Pair:
    """Two variants of a series at two sizes, ``gap`` and ``spread`` in units of the noise of a difference."""

    factor: float
    gap: float
    spread: float
    held: bool


def pairs_of(series: Series, fit: SeriesFit) -> Iterator[Pair]:
    """Every two variants at every two sizes where both were trained."""
    noise = math.sqrt(2) * fit.noise
    for low in range(len(series.sizes)):
        for high in range(low + 1, len(series.sizes)):
            factor = float(series.sizes[high] / series.sizes[low])
            for one in range(len(series.variants)):
                for other in range(one + 1, len(series.variants)):
                    small, large = series.percent[one, [low, high]] - series.percent[other, [low, high]]
                    if np.isfinite(small) and np.isfinite(large):
                        yield Pair(factor, abs(float(small)) / noise, fit.spread / fit.noise, bool(small * large > 0))


def held_pairs(choice: str, pairs: Iterable[Pair], memory: np.ndarray) -> list[HeldPairs]:
    """Counted by factor and gap, beside the share that draws of the ``memory`` expect (noise at both sizes)."""
    pairs, found = list(pairs), []
    for factors in itertools.pairwise(FACTORS):
        for gaps in itertools.pairwise(GAPS):
            own = [one for one in pairs if factors[0] <= one.factor < factors[1] and gaps[0] <= one.gap < gaps[1]]
            if own:
                ends = gaps[0], min(gaps[1], LARGEST_GAP)
                expected = _expected(own, memory)
                held = sum(one.held for one in own)
                found.append(
                    HeldPairs(choice=choice, factor=factors, gap=ends, pairs=len(own), held=held, expected=expected)
                )
    return found


def _expected(pairs: list[Pair], memory: np.ndarray) -> tuple[float, float, float]:
    distance, gap, spread = (np.array([call(one) for one in pairs]) for call in (
        lambda one: math.log10(one.factor), lambda one: one.gap, lambda one: one.spread))  # fmt: skip
    shares = held_share(np.exp(-distance / memory[:, None]), gap, spread, 1.0).mean(axis=1)
    low, middle, high = np.quantile(shares, _TAILS)
    return float(low), float(middle), float(high)


def orders_by_size(effects: pl.DataFrame, metrics: dict[str, str]) -> list[CorpusOrder]:
    """The order of variants by size in the series that reaches the largest size, of every metric (by the name of the series).

    Parameters
    ----------
    effects
        Of one choice, as ``public_rankings`` makes them.
    metrics
        The metric of each series.
    """
    table = effects.with_columns(pl.col("series").replace_strict(metrics, return_dtype=pl.String).alias("metric"))
    found = []
    for (metric,), own in table.group_by(["metric"], maintain_order=True):
        reach = own.group_by("series", maintain_order=True).agg(
            pl.col("params").max(), pl.col("params").n_unique().alias("sizes")
        )
        chosen = reach.sort("params", "sizes", descending=True)["series"][0]
        rows = own.filter(pl.col("series") == chosen)
        sizes = rows["params"].unique().sort().to_list()
        orders = [rows.filter(pl.col("params") == size).sort("percent")["variant"].to_list() for size in sizes]
        last = {name: place for place, name in enumerate(orders[-1])}
        held = [
            last[order[low]] < last[order[high]]
            for order in orders[:-1]
            for low in range(len(order))
            for high in range(low + 1, len(order))
            if order[low] in last and order[high] in last
        ]
        best = tuple(order[0] for order in orders)
        found.append(CorpusOrder(metric=str(metric), params=tuple(sizes), best=best, pairs=len(held), held=sum(held)))
    return found
