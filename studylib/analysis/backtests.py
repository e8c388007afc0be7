"""All that a set of ladders says of forecasts and rankings, as a `TrackRecord`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from studylib.analysis.held_effects import held_effects
from studylib.analysis.held_pairs import held_pairs, orders_by_size, pairs_of
from studylib.analysis.loss_law import backtest
from studylib.analysis.public_rankings import rate_effects, shape_effects, variant_effects
from studylib.analysis.ranking_fit import (
    MEMORY,
    Series,
    SeriesFit,
    effective_series,
    fit_choice,
    memory_of_another,
    series_of,
)
from studylib.analysis.reliability import PRIOR_BETWEEN, PRIOR_MEMORY, PRIOR_SD
from studylib.analysis.shape_basin import shape_costs
from studylib.analysis.track_record import (
    ChoiceMemory,
    CorpusOrder,
    Forecasted,
    HeldPairs,
    HoldOuts,
    Reruns,
    ShapeCost,
    Source,
    TrackRecord,
)
from studylib.ladders import Choices

_QUANTILES = 400  # of the memory, in a record
_DRAWN = 30  # hold-outs of a ladder in a figure
_TAILS = (0.05, 0.5, 0.95)
_REACHES = (3.0, 10.0, 30.0)  # edges, of the target's size over the largest fitted
_SUMMED = ("metric", "inside", "error_percent", "plain_error_percent", "width_percent", "times")


@dataclass(frozen=True)
class Tested:
    """A ladder as it was read, with where it is from and what is compared in it."""

    source: Source
    rows: pl.DataFrame = field(repr=False)
    choices: tuple[Choices, ...] = ()


@dataclass(frozen=True)
class _Ranked:
    choice: str
    ladder: str
    likelihood: np.ndarray
    series: tuple[Series, ...]
    fits: dict[str, SeriesFit]


def make_record(ladders: Sequence[Tested], *, date: str, command: str) -> TrackRecord:
    """Backtest every ladder: forecasts of its larger sizes, and rankings where it has choices.

    Raises
    ------
    StudyError
        A ladder is too small for any fit (`backtest` says which), or has not what its choices need.
    """
    tables = {one.source.ladder: _forecasts(one) for one in ladders}
    every = pl.concat([one.select(_SUMMED) for one in tables.values() if len(one)] or [pl.DataFrame()])
    ranked, shapes, corpora = _rankings(ladders)
    draws = _memory([one.likelihood for one in ranked], _QUANTILES)
    ratios = [fit.spread / fit.noise for one in ranked for fit in one.fits.values()]
    return TrackRecord(
        date=date, command=command, memory=tuple(float(f"{value:.4g}") for value in draws),
        spread_over_noise=round(float(np.median(ratios)), 2) if ratios else 1.0,
        sources=tuple(one.source for one in ladders),
        choices=tuple(map(_said, ranked)),
        reruns=tuple(found for one in ladders if (found := _reruns(one)) is not None),
        hold_outs=tuple(_summary(name, table) for name, table in tables.items() if len(table)),
        together=_summary("all", every) if len(every) else None,
        by_reach=tuple(_summary(name, own) for name, own in _by_reach(every)),
        forecasts=tuple(row for name, table in tables.items() for row in _drawn(name, table)),
        pairs=tuple(row for place in range(len(ranked)) for row in _held(ranked, place)),
        effects=tuple(
            row for place, one in enumerate(ranked)
            for row in held_effects(one.choice, one.series, _memory(_others(ranked, place), _QUANTILES))
        ),
        shapes=shapes, corpora=corpora,
    )  # fmt: skip


_NORMAL = 1.4826 / math.sqrt(2)  # the median of absolute differences of two runs, as a standard deviation of one


def _reruns(one: Tested) -> Reruns | None:
    """What reruns of the same size and tokens differ by; None without any."""
    rows = one.rows.with_columns(pl.col("tokens").round_sig_figs(2).alias("about"))
    keys = ["metric", "variant", "params", "about"]
    pairs = rows.filter("rerun").join(rows.filter(~pl.col("rerun")), on=keys, suffix="_first")
    if pairs.is_empty():
        return None
    gaps = pairs.select("params", (100 * (pl.col("loss") / pl.col("loss_first")).log()).abs().alias("gap"))
    sizes = gaps.group_by("params").agg(pl.col("gap").median())["gap"] * _NORMAL
    return Reruns(
        ladder=one.source.ladder, pairs=len(gaps), sd_percent=_rounded(_NORMAL * gaps["gap"].median()),
        by_size=(_rounded(sizes.min()), _rounded(sizes.max())),
    )  # fmt: skip


def _forecasts(one: Tested) -> pl.DataFrame:
    """Hold-outs; where variants are compared each has a law of its own."""
    by = ["ladder", "metric"] + ["variant"] * any(choice.kind == "variants" for choice in one.choices)
    return backtest(one.rows, by=by)


def _by_reach(every: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    low = 1.0
    for high in (*_REACHES, math.inf) if len(every) else ():
        own = every.filter((pl.col("times") >= low) & (pl.col("times") < high))
        if len(own):
            yield f"{low:g} to {high:g} times" if high < math.inf else f"{low:g} times and more", own
        low = high


def _summary(name: str, table: pl.DataFrame) -> HoldOuts:
    return HoldOuts(
        ladder=name, metrics=table["metric"].n_unique(), hold_outs=len(table), inside=int(table["inside"].sum()),
        median_error_percent=_rounded(table["error_percent"].abs().median()),
        median_plain_error_percent=_rounded(table["plain_error_percent"].abs().median()),
        median_width_percent=_rounded(table["width_percent"].median()), largest_times=_rounded(table["times"].max()),
    )  # fmt: skip


def _drawn(name: str, table: pl.DataFrame) -> list[Forecasted]:
    """Some hold-outs, spread evenly over how far they reach."""
    if table.is_empty():
        return []
    ordered = table.sort("times", "metric", "run", "fitted_to")
    chosen = ordered[np.unique(np.linspace(0, len(ordered) - 1, min(_DRAWN, len(ordered))).astype(int)).tolist()]
    ends = {end: (100 * (pl.col(end) / pl.col("actual") - 1)).alias(f"{end}_percent") for end in ("low", "high")}
    return [
        Forecasted(
            ladder=name, run=row["run"], metric=row["metric"],
            **{key: _rounded(row[key]) for key in ("times", "low_percent", "error_percent", "high_percent")},
        )
        for row in chosen.with_columns(*ends.values()).iter_rows(named=True)
    ]  # fmt: skip


def _rankings(ladders: Sequence[Tested]) -> tuple[list[_Ranked], tuple[ShapeCost, ...], tuple[CorpusOrder, ...]]:
    ranked, shapes, corpora = [], [], []
    for one in ladders:
        for choice in one.choices:
            if choice.kind == "shapes":
                effects = shape_effects(one.rows, choice.name, choice.metrics[0])
                shapes += shape_costs(one.rows, choice.metrics[0])
            elif choice.kind == "metrics":
                effects = rate_effects(one.rows, choice.name, (choice.metrics[0], choice.metrics[1]))
            else:
                effects, metrics = variant_effects(one.rows, choice.name)
                corpora += orders_by_size(effects, metrics)
            series = tuple(series_of(effects))
            likelihood, fits = fit_choice(list(series))
            if fits:
                ranked.append(_Ranked(choice.name, one.source.ladder, likelihood, series, fits))
    return ranked, tuple(shapes), tuple(corpora)


def _said(one: _Ranked) -> ChoiceMemory:
    shares = np.cumsum(np.exp(one.likelihood))
    low, middle, high = np.exp(np.interp(_TAILS, shares / shares[-1], np.log(MEMORY)))
    kept = [series for series in one.series if series.name in one.fits]
    return ChoiceMemory(
        choice=one.choice, ladder=one.ladder, series=len(kept), effective_series=_rounded(effective_series(kept)),
        memory=(_rounded(low), _rounded(middle), _rounded(high)),
        spread_percent=_rounded(np.median([fit.spread for fit in one.fits.values()])),
        noise_percent=_rounded(np.median([fit.noise for fit in one.fits.values()])),
    )  # fmt: skip


def _held(ranked: Sequence[_Ranked], place: int) -> list[HeldPairs]:
    """Pairs of one choice; what is expected of them comes from the other choices alone."""
    one = ranked[place]
    pairs = [
        pair for series in one.series if series.name in one.fits for pair in pairs_of(series, one.fits[series.name])
    ]
    return [
        row.replace(expected=tuple(map(_rounded, row.expected)))
        for row in held_pairs(one.choice, pairs, _memory(_others(ranked, place), _QUANTILES))
    ]


def _others(ranked: Sequence[_Ranked], place: int) -> list[np.ndarray]:
    return [one.likelihood for number, one in enumerate(ranked) if number != place]


def _memory(likelihoods: list[np.ndarray], draws: int) -> np.ndarray:
    return memory_of_another(likelihoods, middle=PRIOR_MEMORY, sd=PRIOR_SD, between=PRIOR_BETWEEN, draws=draws)


def _rounded(value: float | None) -> float:
    return float(f"{value:.4g}") if value is not None and math.isfinite(value) else 0.0
