"""What comes back inside the same text: lines, paragraphs, n-grams of characters."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from studylib.data.clean import Batch
from studylib.data.clean._characters import Characters, Kind, Lines, share, sums

_PARAGRAPHS = re.compile(r"\n(?:[ \t\u3000]*\n)+")
SENTENCES = "。！？\n"
_WORDS = re.compile(r"[^\u3041-\u30ff\u3400-\u9fff]*(?:[\u3041-\u30ff\u3400-\u9fff][^\u3041-\u30ff\u3400-\u9fff]*){3}")
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: spreads what differs in a few bits
_ODD32, _BASE = np.uint32(0x9E3779B1), 0x85EBCA6B
_BUCKET_BITS = 6
_AT_ONCE = 1 << 15  # characters whose numbers stay in the processor's cache
_SAMPLE = 512
_MARGIN = 0.15


@dataclass
class Copied:
    """Of each text, the share of its parts that it has had before, and of its characters that stand in them; float64 [texts]."""

    share: np.ndarray
    characters: np.ndarray


def copied_lines(batch: Batch, wanted: np.ndarray | None = None) -> Copied:
    """Of the lines, of the `wanted` texts only; code, which repeats its brackets, and the numbers of statutes do not count."""
    parts: list[Sequence[str]] = [()] * len(batch)
    for place in range(len(batch)) if wanted is None else np.flatnonzero(wanted):
        parts[place] = batch.texts[place].split("\n")
    return _copied(parts, batch.characters.lengths)


def maybe_copied(characters: Characters, lines: Lines, wanted: np.ndarray) -> Copied:
    """No less of these lines or sentences than is counted of the `wanted` texts: by sums, which equal ones have in common."""
    codes = characters.codes
    seen = characters.kinds != Kind.SPACE
    seen &= characters.kinds != Kind.CONTROL  # some of them may be stripped too
    mixed = codes * _ODD32
    mixed ^= mixed >> np.uint32(15)
    mixed *= _ODD32
    mixed *= seen
    seen &= codes > 0x7F
    own = np.flatnonzero(wanted[lines.owners])
    own = own[sums(seen, lines.starts[own], lines.stops[own]) >= 3]
    starts, stops, owners = lines.starts[own], lines.stops[own], lines.owners[own]
    keys = sums(mixed, starts, stops, np.uint32) | owners << 32
    order = np.argsort(keys, kind="stable")
    copies = order[1:][keys[order[1:]] == keys[order[:-1]]]
    many, copied, in_copies = (
        np.bincount(owners[some], weights, len(wanted))
        for some, weights in ((slice(None), None), (copies, None), (copies, (stops - starts)[copies]))
    )
    return Copied(share(copied, many), share(in_copies, characters.lengths))


def copied_paragraphs(batch: Batch, wanted: np.ndarray | None = None) -> Copied:
    """Of the paragraphs, which empty lines part; of the `wanted` texts only, bool [texts]."""
    parts: list[Sequence[str]] = [()] * len(batch)
    for place in range(len(batch)) if wanted is None else np.flatnonzero(wanted):
        parts[place] = _PARAGRAPHS.split(batch.texts[place])
    return _copied(parts, batch.characters.lengths)


def copied_sentences(batch: Batch, wanted: np.ndarray | None = None) -> Copied:
    """Of the sentences, whatever lines they are in; of the `wanted` texts only, bool [texts]."""
    parts: list[Sequence[str]] = [()] * len(batch)
    for place in range(len(batch)) if wanted is None else np.flatnonzero(wanted):
        text = batch.texts[place]
        for end in SENTENCES[1:]:
            text = text.replace(end, SENTENCES[0])
        parts[place] = text.split(SENTENCES[0])
    return _copied(parts, batch.characters.lengths)


def _copied(parts: Sequence[Sequence[str]], lengths: np.ndarray) -> Copied:
    """Parts of less than three characters and parts in ASCII do not count, nor are those copies that hold no three kana or kanji."""
    shares, characters = np.zeros(len(parts)), np.zeros(len(parts))
    for place, some in enumerate(parts):
        filled = list(filter(None, some))
        if len(set(filled)) == len(filled):
            continue
        read = [bare for one in filled if not one.isascii() and len(bare := one.strip()) >= 3]
        if not read:
            continue
        copies = {one: times - 1 for one, times in Counter(read).items() if times > 1 and _WORDS.match(one)}
        shares[place] = sum(copies.values()) / len(read)
        characters[place] = sum(len(one) * times for one, times in copies.items())
    return Copied(shares, share(characters, lengths))


class Ngrams:
    """The n-grams of all texts, without white space, which code is indented with, and runs of one sign, which tables are drawn with.

    Most texts are far from any bound, and sorting is dear. So all questions are asked of a cheap measure first, and texts in doubt
    are counted to the last n-gram; what a text's answer is does not depend on the texts around it. Of texts that are not `wanted`,
    bool [texts], every answer is no.
    """

    def __init__(self, characters: Characters, wanted: np.ndarray | None = None):
        codes, kinds = characters.codes, characters.kinds
        again = np.zeros(len(codes), dtype=bool)
        again[1:] = codes[1:] == codes[:-1]
        again &= (kinds == Kind.PUNCTUATION) | (kinds == Kind.SYMBOL)
        again[characters.firsts] = False  # what stands before them is of another text
        read = ~(again | (kinds == Kind.SPACE))
        if wanted is not None:
            read &= np.repeat(wanted, characters.lengths)
        self.codes, self._kinds = codes[read], kinds[read]
        self.lengths = characters.total(read)
        self.owners = np.repeat(np.arange(len(self.lengths), dtype=np.int32), self.lengths)
        self._written = characters
        self._maybe: dict[int, np.ndarray] = {}

    def one_above(self, n: int, bound: float) -> np.ndarray:
        """Whether the most frequent n-gram is more than that share of a text's n-grams; bool [texts]."""
        doubtful = self._fullest[0] > bound * self._totals(n)  # its first character comes as often
        return self._counted(doubtful, n)[0] > bound

    def word_above(self, n: int, bound: float) -> np.ndarray:
        """The same for n-grams of kanji and katakana, which words of content are written in; bool [texts].

        A unit behind a number does not count: it comes in every row of a table.
        """
        bounds = bound * self._totals(n)
        above = self._fullest[1] > bounds
        for text in np.flatnonzero(above):
            above[text] = self._most_written(text, n) > bounds[text]
        return above

    def _most_written(self, text: int, n: int) -> int:
        """How often the most frequent n-gram of kanji and katakana comes in a text."""
        own = slice(self._written.ends[text] - self._written.lengths[text], self._written.ends[text])
        codes, kinds = self._written.codes[own], self._written.kinds[own]
        written = (kinds == Kind.KANJI) | (kinds == Kind.KATAKANA)
        written[1:] &= kinds[:-1] != Kind.DIGIT
        found = written[: max(len(written) - n + 1, 0)].copy()
        for place in range(1, n):
            found &= written[place : place + len(found)]
        _, counts = np.unique(ngram_hashes(codes, n, np.uint64)[found], return_counts=True)
        return int(counts.max(initial=0))

    @cached_property
    def _fullest(self) -> np.ndarray:
        """How many characters of each text, and how many kanji and katakana, are in its fullest bucket; int64 [2, texts].

        No n-gram comes more often.
        """
        buckets = self.codes * _ODD32
        buckets >>= np.uint32(32 - _BUCKET_BITS)
        written = (self._kinds == Kind.KANJI) | (self._kinds == Kind.KATAKANA)
        buckets |= written.astype(np.uint32) << np.uint32(_BUCKET_BITS)
        keys = self.owners.astype(np.int64) << _BUCKET_BITS + 1
        keys |= buckets
        counts = np.bincount(keys, minlength=len(self.lengths) << _BUCKET_BITS + 1)
        others, words = counts.reshape(-1, 2, 1 << _BUCKET_BITS).max(axis=2).T
        return np.stack([np.maximum(others, words), words])

    def copied_above(self, n: int, bound: float) -> np.ndarray:
        """Whether those n-grams that occur twice or more are more than that share of a text's n-grams; bool [texts]."""
        doubtful = self.maybe_copied(n) > max(bound - _MARGIN, 0)
        return self._counted(doubtful, n)[1] > bound

    def maybe_copied(self, n: int) -> np.ndarray:
        """About what share of a text's n-grams occurs twice or more, 1 if that is hard to say; float64 [texts].

        Looked at are about 512 n-grams of a text, chosen by their hash, so that all copies of one are in or out together. Where few
        n-grams make up much of the text, the sample may lack them, and then is too small.
        """
        if n in self._maybe:
            return self._maybe[n]
        hashes, totals = rolling_hashes(self.codes, n), self._totals(n)
        rates = np.minimum(_SAMPLE / np.maximum(totals, 1), 1.0)
        limits = np.repeat((rates * (2**32 - 1)).astype(np.uint32), self.lengths)
        some = np.flatnonzero(hashes <= limits[: len(hashes)])
        some = some[self.owners[some] == self.owners[some + n - 1]]
        keys = self.owners[some].astype(np.uint64) << np.uint64(32) | hashes[some]
        keys.sort()
        edges = np.flatnonzero(np.diff(keys, prepend=~keys[:1], append=~keys[-1:]))
        counts, texts = np.diff(edges), (keys[edges[:-1]] >> np.uint64(32)).astype(np.int64)
        sampled = np.bincount(texts, weights=counts, minlength=len(self.lengths))
        copied = np.bincount(texts, weights=counts * (counts > 1), minlength=len(self.lengths))
        found = share(copied, sampled)
        found[sampled < 0.7 * rates * totals] = 1.0
        self._maybe[n] = found
        return found

    def shares(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """The most frequent n-gram's share of a text's n-grams, and that of those that occur twice or more; float64 [texts] each."""
        return self._counted(np.ones(len(self.lengths), dtype=bool), n)

    def _totals(self, n: int) -> np.ndarray:
        return np.maximum(self.lengths - n + 1, 0)

    def _counted(self, wanted: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
        top, copied = np.zeros(len(wanted)), np.zeros(len(wanted))
        ends = np.cumsum(self.lengths)
        for text in np.flatnonzero(wanted & (self.lengths >= n)):
            part = slice(ends[text] - self.lengths[text], ends[text])
            keys = ngram_hashes(self.codes[part], n, np.uint64)
            _, counts = np.unique(keys, return_counts=True)
            top[text], copied[text] = counts.max() / len(keys), counts[counts > 1].sum() / len(keys)
        return top, copied


def ngram_hashes(codes: np.ndarray, n: int, kind: type[np.unsignedinteger]) -> np.ndarray:
    """A hash of each n-gram, by doubling: that of 2m characters is made from those of m; [characters - n + 1]."""
    if len(codes) < n:
        return np.zeros(0, dtype=kind)
    bits = np.dtype(kind).itemsize * 8
    odd, half = kind(_ODD >> np.uint64(64 - bits) | np.uint64(1)), kind(bits // 2)

    def joined(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        mixed = left * odd
        mixed += right
        mixed ^= mixed >> half
        mixed *= odd
        return mixed

    power = codes.astype(kind, copy=False) * odd
    result, covered, width = None, 0, 1
    while True:
        if n & width:
            result = power if result is None else joined(result[: len(power) - covered], power[covered:])
            covered += width
        if covered == n:
            return result[: len(codes) - n + 1]
        power = joined(power[:-width], power[width:])
        width *= 2


def rolling_hashes(codes: np.ndarray, n: int) -> np.ndarray:
    """A quick hash of each n-gram, from running sums (Rabin and Karp's): for samples, as unlike ones may have the same; uint32
    [characters - n + 1]."""
    up, down = _powers()
    hashes = np.empty(max(len(codes) - n + 1, 0), dtype=np.uint32)
    for start in range(0, len(hashes), _AT_ONCE):
        own = hashes[start : start + _AT_ONCE]
        mixed = codes[start : start + len(own) + n - 1] * _ODD32
        mixed ^= mixed >> np.uint32(15)
        mixed *= up[: len(mixed)]
        summed = np.cumsum(mixed, dtype=np.uint32)
        own[:] = summed[n - 1 :]
        own[1:] -= summed[: len(own) - 1]
        own *= down[: len(own)]
        own ^= own >> np.uint32(15)
        own *= _ODD32
        own ^= own >> np.uint32(16)
    return hashes


@functools.cache
def _powers() -> tuple[np.ndarray, np.ndarray]:
    """Powers of an odd number, and of its inverse modulo 2^32; uint32 each."""
    size = 2 * _AT_ONCE
    return tuple(
        np.multiply.accumulate(np.array([1] + [one] * (size - 1), dtype=np.uint32), dtype=np.uint32)
        for one in (_BASE, pow(_BASE, -1, 2**32))
    )
