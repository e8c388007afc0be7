"""The study's own effects at several sizes, for `reliability.fit_reliability`: what its results say of variants by size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from studylib.analysis.public_rankings import SCHEMA
from studylib.result import IdeaResult

_REFERENCE = "the reference"
_TWO_SIDED = 2 * 1.96  # standard deviations in a 95 % interval


def own_effects(results: Iterable[IdeaResult]) -> pl.DataFrame:
    """Effects of every comparison that a result carries over two sizes or more (``effect_by_size`` in its extrapolation).

    They are differences to a reference, whose own error all share: half the least variance of a size is taken to be the
    reference's. Percent of the loss; ``params`` are those of the size's smallest variant, embeddings included.
    """
    rows: list[tuple[Any, ...]] = []
    for result in results:
        sizes: dict[str, float] = {}
        for one in result.metrics:
            sizes[one.size] = min(one.params, sizes.get(one.size, one.params))
        for place, compared in _comparisons(result.extrapolation):
            rows += _of_comparison(f"{result.idea} {place}".strip(), compared, sizes)
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return table.filter(pl.col("params").n_unique().over("choice") > 1)


def _comparisons(content: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Groups of variants with effects by size, wherever in the extrapolation they stand."""
    inner = {name: one for name, one in content.items() if isinstance(one, Mapping)}
    own = {name: one["effect_by_size"] for name, one in inner.items() if isinstance(one.get("effect_by_size"), Mapping)}
    if own:
        yield place, own
    for name, one in inner.items():
        if name not in own:
            yield from _comparisons(one, f"{place} {name}".strip())


def _of_comparison(choice: str, compared: Mapping[str, Any], sizes: Mapping[str, float]) -> Iterator[tuple[Any, ...]]:
    for size, params in sizes.items():
        here = {name: effects[size] for name, effects in compared.items() if size in effects}
        if not here:
            continue
        variances = {name: ((high - low) / _TWO_SIDED) ** 2 for name, (low, _, high) in here.items()}
        shared = min(variances.values()) / 2
        yield choice, "", _REFERENCE, float(params), 0.0, float(np.sqrt(shared))
        for name, (_, middle, _) in here.items():
            yield choice, "", name, float(params), float(middle), float(np.sqrt(variances[name] - shared))
