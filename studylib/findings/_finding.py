"""What a finding is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import PrivateAttr

from studylib import result
from studylib.findings._figures.saving import save
from studylib.frozen import Frozen
from studylib.result import Found, Text
from studylib.spec import Setting
from studylib.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Interval = tuple[float, float, float]  # low, middle, high
Range = tuple[float, float]


def interval(row: Mapping[str, Any], what: str = "") -> Interval | None:
    """Columns ``what_low``, ``what``, ``what_high`` of a table's row, or ``low``, ``mean``, ``high``; None where one is null."""
    names = (f"{what}_low", what, f"{what}_high") if what else ("low", "mean", "high")
    ends = tuple(row[name] for name in names)
    return None if None in ends else ends


class Finding(Frozen):
    """Base of the findings. The fields are the facts; ``of`` makes them from what ``analysis`` found.

    Attributes
    ----------
    name
        Of the record in ``result.json`` and of the figure's file; a notebook that adds two of a kind gives other names.
    title, alt
        Of the figure: what it says, and what is drawn.
    words
        What the page says beside the figure, or in its place.
    """

    name: ClassVar[str]
    title: ClassVar[Words]
    alt: ClassVar[Words]
    words: ClassVar[Words | None] = None

    _drawn_from: tuple[Any, ...] | None = PrivateAttr(default=None)

    def drawn_from(self, *data: Any) -> Self:
        """There is a figure; keeps what it needs beside the facts: frames, draws."""
        self._drawn_from = data
        return self

    def draw(self, *data: Any) -> Figure | None:
        """The figure; None without one."""

    def figure(self) -> Figure | None:
        """`draw` from what was kept; None where the finding has nothing to show."""
        return None if self._drawn_from is None else self.draw(*self._drawn_from)

    def save(self, folder: Path, name: str = "") -> result.Figure | None:
        """Write the figure as ``folder/name.png``, by default under the finding's own name; None without one."""
        drawn = self.figure()
        if drawn is None:
            return None
        return save(drawn, folder, name or self.name, self.title(**self.facts), self.alt(**self.facts))

    def settings(self) -> tuple[Setting, ...]:
        """What the finding hands on to the model that is to be built."""
        return ()

    def fields(self) -> dict[str, Any]:
        """Fields of `IdeaResult` that the finding fills."""
        return {}

    @property
    def facts(self) -> dict[str, Any]:
        return self._content()

    def said(self) -> Text | None:
        return None if self.words is None else self.words(**self.facts)

    def record(self, name: str, figure: str | None) -> Found:
        """For ``result.json``."""
        return Found(
            name=name, kind=type(self).__name__, facts=self.model_dump(mode="json"), words=self.said(), figure=figure
        )
