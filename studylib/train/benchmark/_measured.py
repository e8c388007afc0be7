"""What a benchmark found: rows, their means with standard errors, and the same by group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

LONGEST_TEXT = 400  # characters kept of a text
Row = dict[str, Any]


@dataclass(frozen=True)
class Measured:
    """Scores, and the rows that they are of (see ``studylib.spec.record.EvaluationRecord``)."""

    rows: list[Row]
    items: int
    scores: dict[str, float]
    groups: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    left_out: int = 0

    @classmethod
    def of(
        cls, rows: Sequence[Row], means: Mapping[str, str], *, by: Sequence[str] = (), left_out: int = 0,
        more: Mapping[str, float] | None = None,
    ) -> Self:  # fmt: skip
        """Means of columns, over all rows and by group.

        Parameters
        ----------
        rows
            Each has an ``item``; one item may have several rows, such as its wordings. Texts are cut to ``LONGEST_TEXT``.
        means
            Column by the name of its score: ``{"accuracy": "right"}``. ``accuracy_error`` is its standard error, over items, whose
            rows are not independent; with one row an item and a column of 0 and 1 it is the binomial one. A row without a number in
            a column (None) does not count there.
        by
            Columns whose values make the groups.
        more
            Scores that are no means, of all.
        """
        scores = _means(rows, means) | dict(more or {})
        groups = {}
        for name in by:
            values = sorted({row[name] for row in rows}, key=lambda value: (str(type(value)), value))
            groups[name] = {str(value): _means([row for row in rows if row[name] == value], means) for value in values}
        items = len({row["item"] for row in rows})
        return cls([_cut(row) for row in rows], items, scores, groups, left_out)


def _means(rows: Sequence[Row], means: Mapping[str, str]) -> dict[str, float]:
    found = {}
    for score, column in means.items():
        by_item: dict[Any, list[float]] = {}
        for row in rows:
            if row[column] is not None:
                by_item.setdefault(row["item"], []).append(float(row[column]))
        if by_item:
            found |= mean_with_error(score, by_item.values())
    return found | {"items": float(len({row["item"] for row in rows}))}


def mean_with_error(score: str, by_item: Any) -> dict[str, float]:
    """Of the items' means; the error has the number of items, not less one, below, as the binomial one has."""
    each = np.array([np.mean(values) for values in by_item])
    return {score: float(each.mean()), f"{score}_error": float(each.std() / math.sqrt(len(each)))}


def _cut(row: Row) -> Row:
    return {
        name: f"{value[: LONGEST_TEXT - 1]}…" if isinstance(value, str) and len(value) > LONGEST_TEXT else value
        for name, value in row.items()
    }
