"""Too many symbols, digits or control characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from studylib.data.clean import Arrays, Batch, Cleaner, Judged, Purpose
from studylib.frozen import Fraction, Frozen, Positive

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Symbols"]


class Symbols(Cleaner):
    """Drops pages of stars and boxes, of digits, and of what is no text at all; white space does not count."""

    class Options(Frozen):
        max_symbols: Fraction = Field(
            default=0.3,
            description="stars, boxes, arrows, pictures among characters; Gopher has 0.1 for each English word",
        )
        min_letters: Fraction = Field(
            default=0.15,
            description="letters of any script; FineWeb-2 asks for 0.759 of Japanese words, tables not meant",
        )
        max_digits: Fraction = Field(
            default=0.7, description="digits among characters (this study: tables have 0.3 to 0.6)"
        )
        max_control: Fraction = Field(default=0.05, description="control characters (this study)")
        max_run: Positive = Field(
            default=200,
            description="the longest run of one character that is kept; hojichar's bound, BigScience's idea",
        )
        max_run_share: Fraction = Field(
            default=0.4, description="the same among the characters, where it is of 16 or more (this study)"
        )
        min_characters: Positive = Field(default=10, description="shorter texts are judged by control characters only")

    options: Options
    purpose: ClassVar[Purpose] = "filter"
    reference: ClassVar[str] = (
        "Gopher (arXiv 2112.11446) symbols, FineWeb-2 jpn_Jpan letters, hojichar runs of a character"
    )

    def judge(self, batch: Batch, conclusion: Arrays | None = None) -> Judged:
        import numpy as np

        from studylib.data.clean._characters import LETTERS, Kind, share

        options, characters = self.options, batch.characters
        seen = characters.lengths - characters.count(Kind.SPACE)
        letters = share(characters.count(*LETTERS), seen)
        digits = share(characters.count(Kind.DIGIT), seen)
        runs = _longest_runs(batch)
        rules = {
            "control characters": share(characters.count(Kind.CONTROL), seen) > options.max_control,
            "symbol share": share(characters.count(Kind.SYMBOL), seen) > options.max_symbols,
            "digit share": digits > options.max_digits,
            "letter share": letters + digits < options.min_letters,
            "one character": (runs >= options.max_run) | ((runs >= 16) & (share(runs, seen) > options.max_run_share)),
        }
        rules = {
            reason: hit & ((seen >= options.min_characters) | (reason == "control characters"))
            for reason, hit in rules.items()
        }
        return Judged(np.select(list(rules.values()), list(rules), default="").tolist())


def _longest_runs(batch: Batch) -> np.ndarray:
    """The longest run of one character, white space left out, in each text; int64 [texts]."""
    import numpy as np

    from studylib.data.clean._characters import Kind

    characters = batch.characters
    codes = characters.codes
    starts = np.ones(len(codes), dtype=bool)
    starts[1:] = codes[1:] != codes[:-1]
    starts[characters.firsts] = True
    places = np.flatnonzero(starts)
    runs = np.diff(places, append=len(codes)) * (characters.kinds[places] != Kind.SPACE)
    long = runs > 1
    longest = np.minimum(characters.lengths, 1)
    np.maximum.at(longest, characters.owners[places[long]], runs[long])
    return longest
