"""What is kept of a model's samples."""

from __future__ import annotations

import hashlib
from collections import Counter

from studylib.errors import invalid

_GRAM, _SHINGLE = 6, 24  # characters; about two words, and about a sentence


class Filter:
    """Keeps texts that are long enough, do not repeat themselves, and are not (nearly) there already.

    Parameters
    ----------
    min_characters, max_characters
        Bounds of a text's length.
    most_repeated
        Largest share of a text that may lie in 6-grams of characters that occur before in it.
    most_shared
        Largest share of a text's 24-grams of characters that texts kept before may have; at and above it the text counts
        as a duplicate.

    Attributes
    ----------
    counts
        How many texts were ``kept``, and why the others were not: ``short``, ``long``, ``repetitive``, ``duplicate``.
    """

    def __init__(
        self, *, min_characters: int = 40, max_characters: int = 20_000, most_repeated: float = 0.35, most_shared: float = 0.5
    ):  # fmt: skip
        if not 0 < min_characters <= max_characters:
            raise invalid("min_characters", min_characters, f"is not between 1 and max_characters {max_characters}")
        for name, share in (("most_repeated", most_repeated), ("most_shared", most_shared)):
            if not 0 < share <= 1:
                raise invalid(name, share, "is not a share above 0 and up to 1")
        self.min_characters, self.max_characters = min_characters, max_characters
        self.most_repeated, self.most_shared = most_repeated, most_shared
        self.counts: Counter[str] = Counter(kept=0, short=0, long=0, repetitive=0, duplicate=0)
        self._seen: set[bytes] = set()

    def keeps(self, text: str) -> bool:
        """Whether the text is fit; it is then remembered, so that the same text is a duplicate the next time."""
        verdict = self._verdict(text)
        self.counts[verdict] += 1
        return verdict == "kept"

    def _verdict(self, text: str) -> str:
        if len(text) < self.min_characters:
            return "short"
        if len(text) > self.max_characters:
            return "long"
        if repeated_share(text) > self.most_repeated:
            return "repetitive"
        shingles = _shingles(text)
        if len(shingles & self._seen) >= self.most_shared * len(shingles):
            return "duplicate"
        self._seen |= shingles
        return "kept"


def repeated_share(text: str, size: int = _GRAM) -> float:
    """Share of a text's ``size``-grams of characters that are not the first of their kind; 0 for short texts."""
    grams = max(len(text) - size + 1, 0)
    different = len({text[place : place + size] for place in range(grams)})
    return 1 - different / grams if grams else 0.0


def _shingles(text: str) -> set[bytes]:
    grams = (text[place : place + _SHINGLE] for place in range(max(len(text) - _SHINGLE + 1, 1)))
    return {hashlib.blake2b(gram.encode(), digest_size=8).digest() for gram in grams}
