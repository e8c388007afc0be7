"""What a search has tried, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from studylib.errors import StudyError

if TYPE_CHECKING:
    import polars

Point = dict[str, Any]


@dataclass(frozen=True)
class Tried:
    """One point.

    Attributes
    ----------
    point
        Dotted field of the trial to its value.
    values
        Validation loss (bits per byte) at each rung it was trained to; None where that trial failed.
    rungs
        How many there are; a point with fewer values was ended early.
    hashes
        The trials, one a rung.
    flops
        What they cost; what a longer trial took over from a shorter one counts once.
    message
        Why it failed.
    """

    point: Point
    values: tuple[float | None, ...]
    rungs: int
    hashes: tuple[str, ...]
    flops: float
    message: str = ""

    @property
    def value(self) -> float | None:
        """The loss on the whole budget; None for a point that was ended early or failed."""
        return self.values[-1] if len(self.values) == self.rungs else None

    @property
    def state(self) -> Literal["full", "pruned", "failed"]:
        if self.values[-1] is None:
            return "failed"
        return "full" if len(self.values) == self.rungs else "pruned"


@dataclass(frozen=True)
class SearchResult:
    """All points in the order they were tried."""

    tried: Sequence[Tried]

    @property
    def flops(self) -> float:
        """What the search cost: every trial once."""
        return sum(one.flops for one in self.tried)

    @property
    def finished(self) -> bool:
        """Whether any point was trained on the whole budget."""
        return any(one.value is not None for one in self.tried)

    @property
    def best(self) -> Tried:
        """The lowest loss on the whole budget.

        Raises
        ------
        StudyError
            No point finished.
        """
        done = [one for one in self.tried if one.value is not None]
        if not done:
            reasons = next((one.message for one in self.tried if one.message), "")
            raise StudyError(f"none of the {len(self.tried)} points of the search finished: {reasons}")
        return min(done, key=lambda one: one.value)

    def at_edge(self, key: str) -> bool:
        """Whether the best value of a numeric field is the least or the greatest that was tried."""
        values = sorted({one.point[key] for one in self.tried})
        return self.best.point[key] in (values[0], values[-1])

    def frame(self) -> polars.DataFrame:
        """A row a point: its fields, ``value`` (null when not finished), ``last`` (at the last rung), ``rungs``, ``state``, ``flops``."""
        import polars as pl

        rows = [
            {
                "number": number, **one.point, "value": one.value, "last": one.values[-1], "rungs": len(one.values),
                "state": one.state, "flops": one.flops, "message": one.message,
            }
            for number, one in enumerate(self.tried)
        ]  # fmt: skip
        found = pl.DataFrame(rows, infer_schema_length=None)
        return found.with_columns(pl.col("value", "last").cast(pl.Float64))
