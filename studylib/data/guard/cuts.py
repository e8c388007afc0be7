"""Short sentences of which a character or two were cut: every string that can be left is known, by its hash.

Of a sentence of 7 characters nothing stays that would give it away when two are gone, so what is left is looked up as a whole: of
n characters n(n-1)/2 strings with two cut and n with one. That grows fast, and from 16 characters on enough stays whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, combinations

import numpy as np

from studylib.data.guard.fold import Folded
from studylib.data.guard.hashing import Table, distinct, piece_hashes

SHORTEST, LONGEST = 7, 15  # characters of a sentence whose cut forms are known
_MOST_CUT = 2
_MARKS_INSIDE = 4  # as of 「雪」と「霙」の違い, of which one may be cut away
BITS = 36  # of each hash: of a million strings eleven are taken for one that they are not
_UNUSED = np.uint64(64 - BITS)
_COUNTS = ~((np.uint64(1) << _UNUSED) - np.uint64(1))


def cut_hashes(sentences: Iterable[np.ndarray]) -> np.ndarray:
    """Hashes of all that can be left of sentences (code points each), sorted; uint64 [strings], of which `BITS` count."""
    by_size: dict[int, list[np.ndarray]] = {}
    for points in sentences:
        if SHORTEST <= len(points) <= LONGEST:
            by_size.setdefault(len(points), []).append(points)
    found = [np.empty(0, dtype=np.uint64)]
    for size, those in by_size.items():
        points = np.stack(those)
        for cut in chain.from_iterable(combinations(range(size), count) for count in range(1, _MOST_CUT + 1)):
            found.append(piece_hashes(np.delete(points, cut, axis=1)) >> _UNUSED)
    return distinct(np.concatenate(found))


class Cuts:
    """Finds what is left of short sentences, between two marks."""

    def __init__(self, hashes: np.ndarray):
        self._table = Table(hashes << _UNUSED)

    def places(self, folded: Folded) -> tuple[np.ndarray, np.ndarray]:
        """Where such strings begin, and how many characters they have; int64 each."""
        marks = np.flatnonzero(folded.begins == 2)
        starts, lengths = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        for inside in range(_MARKS_INSIDE + 1):
            begins, sizes = marks[: -inside - 1], marks[inside + 1 :] - marks[: -inside - 1]
            fits = (sizes >= SHORTEST - _MOST_CUT) & (sizes < LONGEST)
            begins, sizes = begins[fits], sizes[fits]
            in_one = folded.text_of(begins) == folded.text_of(begins + sizes - 1)
            begins, sizes = begins[in_one], sizes[in_one]
            for size in range(SHORTEST - _MOST_CUT, LONGEST):
                at = begins[sizes == size]
                hashes = piece_hashes(folded.points[at[:, None] + np.arange(size)]) & _COUNTS
                at = at[self._table.places(hashes)]
                starts.append(at)
                lengths.append(np.full(len(at), size))
        return np.concatenate(starts), np.concatenate(lengths)
