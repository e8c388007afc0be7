"""A page while it is written: text with marks around what will be spans, and the chance it is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.grammar import Template, templates
from studylib.data.miniworld.web.words import Words
from studylib.data.miniworld.world import world_of


def wordings(text: str) -> tuple[Template, ...]:
    """A template a line, without the facts that those of articles name."""
    lines = [f":{line}" for line in text.strip().splitlines() if line.strip()]
    return templates("\n".join(["@all", *lines]))["all"]


@dataclass
class Page:
    """Lines, labels, and the stream of chance they come from.

    Attributes
    ----------
    lines
        Marked text (`marked`); a line may hold line breaks.
    labels
        What is known beyond fault and form.
    """

    seed: int
    draw: Draw
    lines: list[str] = field(default_factory=list)
    labels: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = world_of(self.seed)
        self.words = Words(self.world, self.draw)

    def said(self, wordings: Sequence[Template], words: Any = None) -> str:
        """One of the wordings, filled in from ``words[slot]``, else from the page's own words."""
        return self.draw.pick(wordings).text(words or self.words, self.draw.unit)

    def some(self, wordings: Sequence[Template], count: int) -> list[str]:
        """Different wordings in any order, ``count`` or as many as there are, with the page's own words."""
        chosen: dict[int, None] = {}
        count = min(count, len(wordings))
        while len(chosen) < count:
            chosen[self.draw.below(len(wordings))] = None
        return [wordings[place].text(self.words, self.draw.unit) for place in chosen]

    def fresh(self) -> Words:
        """Words about something else than the page's own."""
        return Words(self.world, self.draw)

    def text(self) -> str:
        """The lines as one marked text."""
        return "\n".join(self.lines)
