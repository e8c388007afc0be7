"""What is asked, and what a benchmark found: rows, their means with standard errors, and the same by group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from studylib.data.chat.conversation import Message

LONGEST_TEXT = 400  # characters kept of a text
Row = dict[str, Any]


@dataclass(frozen=True)
class Choices:
    """One way of asking one item.

    Attributes
    ----------
    item
        Rows of an item, which may be asked in several ways, have it in common.
    right
        The place of the right one among ``choices``.
    about
        Columns by which rows may be grouped: wording, sort.
    """

    item: str
    prompt: tuple[Message, ...]
    choices: tuple[str, ...]
    right: int
    about: dict[str, Any] = field(default_factory=dict)


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
        exact: Sequence[str] = (), more: Mapping[str, float] | None = None,
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
        exact
            Scores without an error, such as what chance gives.
        more
            Scores that are no means, of all.
        """
        scores = _means(rows, means, exact) | dict(more or {})
        groups = {}
        for name in by:
            values = sorted({row[name] for row in rows}, key=lambda value: (str(type(value)), value))
            groups[name] = {
                str(value): _means([row for row in rows if row[name] == value], means, exact) for value in values
            }
        items = len({row["item"] for row in rows})
        return cls([_cut(row) for row in rows], items, scores, groups, left_out)


def _means(rows: Sequence[Row], means: Mapping[str, str], exact: Sequence[str]) -> dict[str, float]:
    found = {"items": float(len({row["item"] for row in rows}))}
    for score, column in means.items():
        by_item: dict[Any, list[float]] = {}
        for row in rows:
            if row[column] is not None:
                by_item.setdefault(row["item"], []).append(float(row[column]))
        if by_item:
            each = np.array([np.mean(values) for values in by_item.values()])
            found[score] = float(each.mean())
            if score not in exact:  # the number of items is below, not one less, as in the binomial error
                found[f"{score}_error"] = float(each.std() / math.sqrt(len(each)))
    return found


def _cut(row: Row) -> Row:
    return {
        name: f"{value[: LONGEST_TEXT - 1]}…" if isinstance(value, str) and len(value) > LONGEST_TEXT else value
        for name, value in row.items()
    }
