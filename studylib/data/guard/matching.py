"""Looking for known texts in others: suspected by strings of four characters, then compared as wholes."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from studylib.data.guard.cuts import Cuts
from studylib.data.guard.fields import KINDS
from studylib.data.guard.fingerprints import LONGEST, ROW_PIECES, Fingerprints
from studylib.data.guard.fold import Folded, fold
from studylib.data.guard.hashing import GRAM, KEY_BITS, Table, characters, digests, keys, masks, pairs

# An entry counts as found where it stands whole, from so many characters; a shorter one between two marks, or, from 7 characters,
# where it is a third of the text.
FREE, _SHORT_FREE, _SHORT_FREE_SHARE = 10, 7, 3
# And where something like it stands between two marks: so many pairs of neighbours may be gone, and so many be new. Of shorter
# sentences all that can be left is known (`cuts`).
_ALIKE_FROM, _MOST_GONE, _MOST_NEW = 12, 4, 2
# And where this share of its pairs stands, marks or not.
NEAR_FREE, _NEAR_FREE_FROM = 0.9, 20
NEAR_PART = 0.75  # of one part of a longer text
# What could be chance, a short entry or one that is not whole, counts only where such finds make up a tenth of the text; what is
# whole but under 6 characters, or altered and under 9, half of it.
_WEAK_SHARE, _TINY_SHARE, _TINY, _TINY_ALIKE = 10, 2, 6, 9
_STRONG_ALIKE = 20  # characters from which an altered entry between marks is no chance
_SLACK = 2  # characters by which the place of an entry may be off, or its size
_BLOOM_BITS = 23
_CHUNK = 1 << 14  # suspects compared at once: about 50 MB


@dataclass(frozen=True)
class _Suspects:
    """Entries, where they would begin, the text they would lie in and its limits; int64 each."""

    entry: np.ndarray
    start: np.ndarray
    size: np.ndarray
    text: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def __getitem__(self, chosen: np.ndarray | slice) -> _Suspects:
        return _Suspects(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class _Find:
    """A known text in a text; ``weight`` is how many characters the text may have for the find to count."""

    text: int
    known: int
    kind: int
    weight: float


class Matcher:
    """Finds texts that hold a known one."""

    def __init__(self, known: Fingerprints):
        self._known = known
        self._shift = np.uint32(KEY_BITS - _BLOOM_BITS)
        self._bloom = np.zeros(1 << _BLOOM_BITS, dtype=bool)
        self._bloom[known.gram_keys >> self._shift] = True
        self._pair_counts = np.bitwise_count(known.masks).sum(axis=1, dtype=np.int64)
        self._is_part = known.needs[known.groups] > 1
        self._rows = Table(known.rows)
        self._cuts = Cuts(known.cuts)

    def kinds(self, texts: Sequence[str]) -> list[str | None]:
        """Why each text must not be trained on: one of ``KINDS``, or None."""
        found: list[str | None] = [None] * len(texts)
        if not texts:
            return found
        folded = fold(texts)
        sizes = np.diff(folded.ends, prepend=0)
        weight: dict[int, float] = defaultdict(float)
        seen = set()
        for find in (*self._rows_in(folded), *self._texts_in(folded), *self._cuts_in(folded)):
            if (find.text, find.known) not in seen:
                seen.add((find.text, find.known))
                weight[find.text] += find.weight
            if weight[find.text] >= sizes[find.text]:
                found[find.text] = found[find.text] or KINDS[find.kind]
        return found

    def _rows_in(self, folded: Folded) -> Iterator[_Find]:
        """Rows of which all choices stand one after the other, in any order."""
        sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(folded.keys, dtype=np.uint64)])
        for count in ROW_PIECES:
            if len(folded.keys) < count:
                return
            places = self._rows.places(sums[count:] - sums[:-count])
            first = folded.text_of(folded.pieces[places])
            last = folded.text_of(folded.pieces[places + count - 1])
            for place, text in zip(places[first == last].tolist(), first[first == last].tolist(), strict=True):
                yield _Find(text, -1 - place, KINDS.index("row"), math.inf)

    def _cuts_in(self, folded: Folded) -> Iterator[_Find]:
        """What is left of short sentences."""
        starts, sizes = self._cuts.places(folded)
        texts = folded.text_of(starts)
        known = -1 - len(folded.points) - starts
        for text, one, size in zip(texts.tolist(), known.tolist(), sizes.tolist(), strict=True):
            share = _TINY_SHARE if size < _TINY_ALIKE else _WEAK_SHARE
            yield _Find(text, one, KINDS.index("sentence"), share * size)

    def _texts_in(self, folded: Folded) -> Iterator[_Find]:
        """The other known texts."""
        if len(folded.points) < GRAM:
            return
        ones = characters(folded.points)
        twos = pairs(ones)
        suspects = self._suspects(folded, keys(twos))
        if not len(suspects.entry):
            return
        whole, marked = self._whole(folded, ones, suspects)
        holds = whole.copy()
        strong = holds & ((suspects.size >= FREE) | self._is_part[suspects.entry])
        for suspected, judge, strong_from in (
            (self._between_marks(folded, suspects), self._alike, _STRONG_ALIKE),
            (self._twice(suspects), self._near, 0),
        ):
            places = np.flatnonzero(suspected & ~holds)
            for start in range(0, len(places), _CHUNK):
                part = places[start : start + _CHUNK]
                holds[part] = judge(folded, twos, suspects[part])
                strong[part] = holds[part] & (suspects.size[part] >= strong_from)
        known = self._known
        tiny = suspects.size < np.where(whole, _TINY, _TINY_ALIKE)
        share = np.where(tiny, _TINY_SHARE, np.where(whole & ~marked, _SHORT_FREE_SHARE, _WEAK_SHARE))
        weights = share * suspects.size
        weights = np.where(strong, np.iinfo(np.int64).max, weights)
        rows = np.stack([suspects.text, suspects.entry, weights], axis=1)[holds]
        # Of an entry found twice the heavier find is last.
        found = {(text, entry): weight for text, entry, weight in np.unique(rows, axis=0).tolist()}
        parts = Counter((text, int(known.groups[entry])) for text, entry in found)
        for (text, entry), weight in found.items():
            group = int(known.groups[entry])
            if parts[text, group] >= known.needs[group]:
                yield _Find(text, group, int(known.kinds[group]), weight)

    def _suspects(self, folded: Folded, found: np.ndarray) -> _Suspects:
        """Every entry of which one of the strings of four stands somewhere, and that has room there."""
        known = self._known
        places = np.flatnonzero(self._bloom[found >> self._shift])
        begin = np.searchsorted(known.gram_keys, found[places], side="left")
        counts = np.searchsorted(known.gram_keys, found[places], side="right") - begin
        places = np.repeat(places, counts)
        postings = np.repeat(begin - np.cumsum(counts) + counts, counts) + np.arange(len(places))
        entry = known.gram_entries[postings].astype(np.int64)
        start = places - known.gram_offsets[postings]
        size = known.sizes[entry].astype(np.int64)
        text = folded.text_of(places)
        first = np.where(text > 0, folded.ends[text - 1], 0)
        last = folded.ends[text]
        fits = (places + GRAM <= last) & (start >= first - _SLACK) & (start + size <= last + _SLACK)
        return _Suspects(entry, start, size, text, first, last)[fits]

    def _whole(self, folded: Folded, ones: np.ndarray, suspects: _Suspects) -> tuple[np.ndarray, np.ndarray]:
        """Suspects that stand there to the character, and those of them that stand between marks; bool each."""
        known = self._known
        end = suspects.start + suspects.size
        holds = (suspects.start >= suspects.first) & (end <= suspects.last)
        marked = np.zeros(len(holds), dtype=bool)
        places = np.flatnonzero(holds)
        start, end, size, entry = suspects.start[places], end[places], suspects.size[places], suspects.entry[places]
        marked[places] = (folded.begins[start] == 2) & (folded.begins[end] == 2)
        equal = digests(ones, start, size) == known.digests[entry]
        holds[places] = equal & ((size >= _SHORT_FREE) | marked[places] | self._is_part[entry])
        return holds, marked

    def _between_marks(self, folded: Folded, suspects: _Suspects) -> np.ndarray:
        """Suspects with a mark near both their ends, and about their size between these; bool."""
        begin, end = _limits(folded, suspects)
        size = end - begin
        close = (abs(begin - suspects.start) <= _SLACK) & (abs(end - suspects.start - suspects.size) <= _SLACK)
        alike = (size >= suspects.size - _SLACK) & (size <= suspects.size + 1)
        return close & alike & (suspects.size >= _ALIKE_FROM) & ~self._is_part[suspects.entry]

    def _alike(self, folded: Folded, twos: np.ndarray, suspects: _Suspects) -> np.ndarray:
        """Whether what stands between the marks differs from the entry by a character or two; bool."""
        here = _masks(twos, *_limits(folded, suspects))
        known = self._known.masks[suspects.entry]
        gone = np.bitwise_count(known & ~here).sum(axis=1)
        new = np.bitwise_count(here & ~known).sum(axis=1)
        return (gone <= _MOST_GONE) & (new <= _MOST_NEW)

    def _twice(self, suspects: _Suspects) -> np.ndarray:
        """Suspects by two strings of four or more, in long entries; bool."""
        long = np.flatnonzero((suspects.size >= _NEAR_FREE_FROM) | self._is_part[suspects.entry])
        order = long[np.lexsort((suspects.start[long], suspects.entry[long]))]
        near = (np.diff(suspects.entry[order]) == 0) & (np.diff(suspects.start[order]) <= _SLACK)
        twice = np.zeros(len(suspects.entry), dtype=bool)
        twice[order[1:][near]] = True
        return twice

    def _near(self, folded: Folded, twos: np.ndarray, suspects: _Suspects) -> np.ndarray:
        """Whether enough of the entry's pairs stand where it would; bool."""
        begin = np.maximum(suspects.start - _SLACK, suspects.first)
        end = np.minimum(suspects.start + suspects.size + _SLACK, suspects.last)
        here = _masks(twos, begin, end)
        common = np.bitwise_count(here & self._known.masks[suspects.entry]).sum(axis=1)
        share = np.where(self._is_part[suspects.entry], NEAR_PART, NEAR_FREE)
        return common >= share * self._pair_counts[suspects.entry]


def _limits(folded: Folded, suspects: _Suspects) -> tuple[np.ndarray, np.ndarray]:
    """The marks nearest to where each suspect would begin and end; int64."""
    marks = np.flatnonzero(folded.begins == 2)

    def nearest(places: np.ndarray) -> np.ndarray:
        after = np.minimum(np.searchsorted(marks, places), len(marks) - 1)
        before = np.maximum(after - 1, 0)
        return np.where(abs(marks[before] - places) <= abs(marks[after] - places), marks[before], marks[after])

    return (
        np.maximum(nearest(suspects.start), suspects.first),
        np.minimum(nearest(suspects.start + suspects.size), suspects.last),
    )


def _masks(twos: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Kinds of pairs among the characters ``begin`` to ``end``; uint64 [places, 2]."""
    at = begin[:, None] + np.arange(LONGEST + 2 * _SLACK)
    return masks(twos[np.minimum(at, len(twos) - 1)], at < end[:, None] - 1)
