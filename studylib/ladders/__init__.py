"""Tables of runs over sizes: public ladders and a user's own, in the same columns.

None of their rows is part of this package; what was found in them is (``studylib/analysis/track_record.json``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from studylib.lazy import lazy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import polars as pl


@dataclass(frozen=True)
class LadderFile:
    """One file of a ladder: where it lies upstream (None: it was put together from several), and what it must be.

    ``sha256`` is that of the content; a file without ``url`` cannot be fetched, only read from a folder.
    """

    name: str
    url: str | None
    sha256: str | None


@dataclass(frozen=True)
class Choices:
    """What is compared in a ladder, and how its rows become effects of it.

    Attributes
    ----------
    name
        Of what is chosen: corpora, shapes, rates.
    kind
        ``variants``: the column, at equal parameters and tokens. ``shapes``: classes of width over depth in a metric. ``metrics``: two
        metrics are two values of the choice.
    metrics
        Which, for the last two.
    """

    name: str
    kind: Literal["variants", "shapes", "metrics"]
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ladder:
    """A public ladder: where it is from, and how its files become the columns of ``columns.py``.

    Attributes
    ----------
    name, title
        As commands name it, and as people do.
    folder
        Of its files, below the folder of all ladders.
    repository, commit, licence
        Upstream.
    files
        Those that ``read`` reads.
    read
        From the folder of its files to the canonical columns.
    choices
        What is compared in it; none where it has one recipe.
    """

    name: str
    title: str
    folder: str
    repository: str
    commit: str
    licence: str
    files: tuple[LadderFile, ...]
    read: Callable[[Path], pl.DataFrame] = field(repr=False)
    choices: tuple[Choices, ...] = ()

    @property
    def source(self) -> str:
        """For a reader: repository, commit and licence."""
        return f"{self.repository}@{self.commit[:8]} ({self.licence})"

    @property
    def fetchable(self) -> bool:
        return all(one.url for one in self.files)


__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "columns": ["COLUMNS", "canonical", "described"],
        "read": ["read_ladder"],
        "fetch": ["fetch_ladder"],
    },
)
__all__ += ["Choices", "Ladder", "LadderFile"]
