"""What comes back inside the same text: lines, paragraphs, n-grams of characters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studylib.data.clean import Batch
from studylib.data.clean._characters import Characters, Kind, share

_PARAGRAPHS = re.compile(r"\n(?:[ \t\u3000]*\n)+")
_WORDS = re.compile(r"[^\u3041-\u30ff\u3400-\u9fff]*(?:[\u3041-\u30ff\u3400-\u9fff][^\u3041-\u30ff\u3400-\u9fff]*){3}")
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: spreads what differs in a few bits
_BUCKETS = 256
_SAMPLE = 512
_MARGIN = 0.15


@dataclass
class Copied:
    """Of each text, the share of its parts that it has had before, and of its characters that stand in them; float64 [texts]."""

    share: np.ndarray
    characters: np.ndarray


def copied_lines(batch: Batch) -> Copied:
    """Of the lines; code, which repeats its brackets, and the numbers of statutes do not count."""
    return _copied([text.split("\n") if "\n" in text else () for text in batch.texts], batch.characters.lengths)


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
        for end in "！？\n":
            text = text.replace(end, "。")
        parts[place] = text.split("。")
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

    Most texts are far from any bound, and sorting is dear. So both questions are asked of a cheap measure first, and those in doubt
    are counted to the last n-gram; what a text's answer is does not depend on the texts around it.
    """

    def __init__(self, characters: Characters):
        codes, kinds = characters.codes, characters.kinds
        read = kinds != Kind.SPACE
        again = np.zeros_like(read)
        again[1:] = (codes[1:] == codes[:-1]) & ((kinds[1:] == Kind.PUNCTUATION) | (kinds[1:] == Kind.SYMBOL))
        again[characters.firsts] = False  # what stands before them is of another text
        read &= ~again
        self.codes = codes[read]
        self.lengths = characters.lengths - characters.total(~read)
        self.owners = np.repeat(np.arange(len(self.lengths), dtype=np.int32), self.lengths)
        self._written = characters
        self._powers: list[np.ndarray] = []
        self._maybe: dict[int, np.ndarray] = {}

    def one_above(self, n: int, bound: float) -> np.ndarray:
        """Whether the most frequent n-gram is more than that share of a text's n-grams; bool [texts]."""
        hashes = ngram_hashes(self.codes, n, np.uint32, self._powers)
        doubtful = self._fullest_buckets(hashes, self.owners[: len(hashes)]) > bound * self._totals(n)
        return self._counted(doubtful, n)[0] > bound

    def word_above(self, n: int, bound: float) -> np.ndarray:
        """The same for n-grams of kanji and katakana, which words of content are written in; bool [texts].

        A unit behind a number does not count: it comes in every row of a table.
        """
        characters = self._written
        codes, kinds = characters.codes, characters.kinds
        written = (kinds == Kind.KANJI) | (kinds == Kind.KATAKANA)
        units = np.zeros_like(written)
        units[1:] = kinds[:-1] == Kind.DIGIT
        units[characters.firsts] = False
        written &= ~units
        found = written[: max(len(written) - n + 1, 0)].copy()
        for place in range(1, n):
            found &= written[place : place + len(found)]
        places = np.flatnonzero(found)
        hashes = np.zeros(len(places), dtype=np.uint32)
        for place in range(n):
            hashes = (hashes + codes[places + place]) * np.uint32(0x9E3779B1)
        owners, totals = characters.owners[places], self._totals(n)
        above = self._fullest_buckets(hashes, owners) > bound * totals
        for text in np.flatnonzero(above):
            own = places[np.searchsorted(owners, text) : np.searchsorted(owners, text, "right")]
            own = own[own + n <= characters.ends[text]]
            keys = ngram_hashes(codes[characters.starts[text] : characters.ends[text]], n, np.uint64)
            _, counts = np.unique(keys[own - characters.starts[text]], return_counts=True)
            above[text] = counts.max(initial=0) > bound * totals[text]
        return above

    def _fullest_buckets(self, hashes: np.ndarray, owners: np.ndarray) -> np.ndarray:
        """How many n-grams of each text are in its fullest bucket: no n-gram comes more often.

        N-grams across the end of a text are counted to it: there may be less, never more.
        """
        buckets = owners.astype(np.int64) << 8 | hashes >> np.uint32(24)
        counts = np.bincount(buckets, minlength=len(self.lengths) * _BUCKETS)
        return counts.reshape(-1, _BUCKETS).max(axis=1, initial=0)

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
        hashes, totals = ngram_hashes(self.codes, n, np.uint32, self._powers), self._totals(n)
        rates = np.minimum(_SAMPLE / np.maximum(totals, 1), 1.0)
        some = np.flatnonzero(hashes <= (rates * (2**32 - 1)).astype(np.uint32)[self.owners[: len(hashes)]])
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


def ngram_hashes(
    codes: np.ndarray, n: int, kind: type[np.unsignedinteger], powers: list[np.ndarray] | None = None
) -> np.ndarray:
    """A hash of each n-gram, by doubling: that of 2m characters is made from those of m; [characters - n + 1].

    `powers` keeps those of 1, 2, 4, ... characters for the next n.
    """
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

    powers = [] if powers is None else powers
    if not powers:
        powers.append(codes.astype(kind, copy=False) * odd)
    result, covered = None, 0
    for place in range(n.bit_length()):
        width = 1 << place
        if place == len(powers):
            powers.append(joined(powers[-1][: -width // 2], powers[-1][width // 2 :]))
        if n & width:
            power = powers[place]
            result = power if result is None else joined(result[: len(power) - covered], power[covered:])
            covered += width
    return result[: len(codes) - n + 1]
