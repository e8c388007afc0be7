"""Lines of the page around a text: menus, counters, notes on cookies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from studylib.data.clean import Arrays, Batch, Cleaner, Judged, Purpose, Span
from studylib.frozen import Fraction, Frozen, Positive

if TYPE_CHECKING:
    import numpy as np

    from studylib.data.clean._navigation import Look

__all__ = ["Lines"]


class Lines(Cleaner):
    """Takes out the lines of menus, buttons, counters, notes on cookies and copyright, as RefinedWeb does for English.

    What tells them is what they are called and what stands beside them, not that they are short: a haiku, a dialogue and a table have
    short lines too. A name that may be a word of the text ("検索") goes only among others of its kind; items parted by bars are a menu
    unless the lines beside them have as many bars, as a table's rows have. Code, headings of Markdown and speech stay as they are.
    """

    class Options(Frozen):
        max_item: Positive = Field(default=16, description="characters of a menu's item (this study)")
        min_items: Positive = Field(default=3, description="items in a row that make it a menu")
        min_names: Fraction = Field(
            default=0.5, description="known names among the items of a row, or the lines of a block, that go together"
        )
        min_block: Positive = Field(default=3, description="short lines one below the other that make a block")
        max_taken: Fraction = Field(
            default=0.7,
            description="characters taken out; above, the document goes (RefinedWeb: 0.05 of English words)",
        )

    options: Options
    purpose: ClassVar[Purpose] = "correct"
    reference: ClassVar[str] = "RefinedWeb (arXiv 2306.01116) appendix G.2, line-wise corrections; names: this study"

    def judge(self, batch: Batch, conclusion: Arrays | None = None) -> Judged:
        import numpy as np

        from studylib.data.clean._navigation import candidates

        judged = Judged([""] * len(batch), texts=list(batch.texts))
        lines = batch.characters.lines
        wanted, triggered, told = candidates(batch, self.options.max_item)
        owners = lines.owners[wanted]
        cuts = np.searchsorted(owners, np.arange(len(batch) + 1))
        first = batch.characters.starts
        for place in np.unique(owners[told]).tolist():
            own = slice(lines.firsts[place], lines.firsts[place] + lines.per_text[place])
            starts, stops = (lines.starts[own] - first[place]).tolist(), (lines.stops[own] - first[place]).tolist()
            page = _Page(batch.texts[place], starts, stops)
            some = slice(cuts[place], cuts[place + 1])
            spans = self._spans(page, (wanted[some] - lines.firsts[place]).tolist(), triggered[some], told[some])
            if spans:
                self._take(judged, place, page.text, spans)
        return judged

    def _take(self, judged: Judged, place: int, text: str, spans: list[Span]) -> None:
        judged.texts[place] = _without(text, spans)
        judged.spans[place] = spans
        judged.counts.update(Counter(one.kind for one in spans))
        taken = sum(len("".join(text[one.start : one.stop].split())) for one in spans)
        if taken > self.options.max_taken * len("".join(text.split())):
            judged.reasons[place] = "mostly menus"

    def _spans(self, page: _Page, places: list[int], triggered: np.ndarray, told: np.ndarray) -> list[Span]:
        """What is taken out, of the lines that are worth a look."""
        from studylib.data.clean._navigation import SHORT, Sort, look

        options = self.options
        looks = {
            at: look(page.line(at), known, options.max_item, options.min_items, options.min_names) if worth else SHORT
            for at, known, worth in zip(places, triggered.tolist(), told.tolist(), strict=True)
        }
        found = {one.sort for one in looks.values()}
        if found <= {Sort.TEXT, Sort.SHORT, Sort.EMPTY}:
            return []
        taken = {at: one.kind for at, one in looks.items() if one.sort is Sort.SURE}
        notes = [at for at, one in looks.items() if one.sort is Sort.COOKIE]
        if len(notes) <= 2:  # more of them are a text about cookies
            taken |= dict.fromkeys(notes, "cookie")
        rows = {at for at, one in looks.items() if one.sort is Sort.ROW}
        taken |= {at: looks[at].kind for at in rows if not page.in_table(at, rows)}
        taken |= {at: "menu" for at, one in looks.items() if one.sort is Sort.BARS and not page.in_table(at, ())}
        short = [at for at, one in looks.items() if one.sort in (Sort.SHORT, Sort.NAME) or at in taken]
        for block in page.blocks(short):
            taken |= self._block(block, looks, taken)
        return [Span(page.starts[at], page.stops[at], taken[at]) for at in sorted(taken)]

    def _block(self, block: list[int], looks: Mapping[int, Look], taken: Mapping[int, str]) -> dict[int, str]:
        """Short lines one below the other go together if most of them are named as parts of a page."""
        named = [at for at in block if looks[at].kind]
        if len(named) < 2:
            return {}
        block = [at for at in block if named[0] <= at <= named[-1]]  # a headline above it is the text's
        options = self.options
        if len(named) < options.min_names * len(block) or len(named) < len(block) < options.min_block:
            return {}
        return {at: looks[at].kind or "menu" for at in block if at not in taken}


@dataclass(frozen=True)
class _Page:
    """A text and where its lines start and stop."""

    text: str
    starts: list[int]
    stops: list[int]

    def line(self, at: int) -> str:
        return self.text[self.starts[at] : self.stops[at]]

    def in_table(self, at: int, others: Container[int]) -> bool:
        """Whether a line beside it, not one of the others, has as many items."""
        from studylib.data.clean._navigation import items_in

        own = items_in(self.line(at))
        return any(
            items_in(self.line(other)) == own
            for other in (at - 1, at + 1)
            if 0 <= other < len(self.starts) and other not in others
        )

    def blocks(self, places: Sequence[int]) -> Iterator[list[int]]:
        """Of lines, those one below the other, an empty line between them or none."""
        block: list[int] = []
        for at in places:
            near = block and at - block[-1] <= 2 and not self.text[self.stops[block[-1]] : self.starts[at]].strip()
            if not near:
                if block:
                    yield block
                block = []
            block.append(at)
        if block:
            yield block


def _without(text: str, spans: Sequence[Span]) -> str:
    """The text without these lines and their line feeds, nor empty lines at its ends."""
    parts, end = [], 0
    for span in spans:
        parts.append(text[end : span.start])
        end = min(span.stop + 1, len(text))
    return "".join([*parts, text[end:]]).strip("\n")
