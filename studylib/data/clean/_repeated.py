"""What comes back inside the same text: lines, paragraphs, n-grams of characters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studylib.data.clean import Batch
from studylib.data.clean._characters import Characters, Kind, share

_PARAGRAPHS = re.compile(r"\n(?:[ \t\u3000]*\n)+")
_SENTENCES = re.compile(r"[。！？\n]+")
_WORDS = re.compile(r"(?:[\u3041-\u30ff\u3400-\u9fff][^\u3041-\u30ff\u3400-\u9fff]*){3}")
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
    """Of the lines that hold three kana or kanji: code repeats its brackets, statutes number by 一, 二."""
    return _copied([text.split("\n") if "\n" in text else () for text in batch.texts], batch.characters.lengths)


def copied_paragraphs(batch: Batch) -> Copied:
    """Of the paragraphs that hold three kana or kanji; empty lines part them."""
    parts = [_PARAGRAPHS.split(text) if "\n" in text else () for text in batch.texts]
    return _copied(parts, batch.characters.lengths)


def copied_sentences(batch: Batch) -> Copied:
    """Of the sentences that hold three kana or kanji, whatever lines they are in."""
    parts = [_SENTENCES.split(text) if "。" in text or "！" in text else () for text in batch.texts]
    return _copied(parts, batch.characters.lengths)


def _copied(parts: Sequence[Sequence[str]], lengths: np.ndarray) -> Copied:
    shares, characters = np.zeros(len(parts)), np.zeros(len(parts))
    for place, some in enumerate(parts):
        if len(some) < 2 or len(set(some)) == len(some):
            continue
        read = [one.strip() for one in some if _WORDS.search(one)]
        different = set(read)
        if read:
            shares[place] = 1 - len(different) / len(read)
            characters[place] = sum(map(len, read)) - sum(map(len, different))
    return Copied(shares, share(characters, lengths))


class Ngrams:
    """The n-grams of all texts, without white space, which code is indented with, and runs of one sign, which tables are drawn with.

    Most texts are far from any bound, and sorting is dear. So both questions are asked of a cheap measure first, and those in doubt
    are counted to the last n-gram; what a text's answer is does not depend on the texts around it.
    """

    def __init__(self, characters: Characters):
        codes, kinds = characters.codes, characters.kinds
        read = kinds != Kind.SPACE
        read[1:] &= (codes[1:] != codes[:-1]) | ((kinds[1:] != Kind.PUNCTUATION) & (kinds[1:] != Kind.SYMBOL))
        self.codes, self.kinds, self.owners = codes[read], kinds[read], characters.owners[read]
        self.lengths = np.bincount(self.owners, minlength=len(characters.lengths))

    def one_above(self, n: int, bound: float, *, words: bool = False) -> np.ndarray:
        """Whether the most frequent n-gram is more than that share of a text's n-grams; bool [texts].

        With `words` only n-grams of kanji and katakana count, which words of content are written in. An n-gram comes no more often
        than all that share its bucket.
        """
        hashes, owners = self._hashes(n, words)
        buckets = owners.astype(np.int64) * _BUCKETS + (hashes >> np.uint32(24))
        counts = np.bincount(buckets, minlength=len(self.lengths) * _BUCKETS)
        doubtful = counts.reshape(-1, _BUCKETS).max(axis=1, initial=0) > bound * self._totals(n)
        return self._counted(doubtful, n, words)[0] > bound

    def copied_above(self, n: int, bound: float) -> np.ndarray:
        """Whether those n-grams that occur twice or more are more than that share of a text's n-grams; bool [texts].

        Looked at first are about 512 n-grams of a text, chosen by their hash, so that all copies of one are in or out together.
        """
        hashes, owners = self._hashes(n)
        totals = self._totals(n)
        rates = np.minimum(_SAMPLE / np.maximum(totals, 1), 1.0)
        some = np.flatnonzero(hashes <= (rates * (2**32 - 1)).astype(np.uint32)[owners])
        keys = owners[some].astype(np.uint64) << np.uint64(32) | hashes[some]
        keys.sort()
        edges = np.flatnonzero(np.diff(keys, prepend=~keys[:1], append=~keys[-1:]))
        counts, texts = np.diff(edges), (keys[edges[:-1]] >> np.uint64(32)).astype(np.int64)
        sampled = np.bincount(texts, weights=counts, minlength=len(self.lengths))
        copied = np.bincount(texts, weights=counts * (counts > 1), minlength=len(self.lengths))
        # Where few n-grams make up much of the text, the sample may lack them, and then is too small.
        doubtful = (copied > max(bound - _MARGIN, 0) * sampled) | (sampled < 0.7 * rates * totals)
        return self._counted(doubtful, n)[1] > bound

    def shares(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """The most frequent n-gram's share of a text's n-grams, and that of those that occur twice or more; float64 [texts] each."""
        return self._counted(np.ones(len(self.lengths), dtype=bool), n)

    def _totals(self, n: int) -> np.ndarray:
        return np.maximum(self.lengths - n + 1, 0)

    def _hashes(self, n: int, words: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Of each n-gram inside a text, 32 bits and the text's number."""
        hashes = ngram_hashes(self.codes, n, np.uint32)
        owners = self.owners[: len(hashes)]
        inside = owners == self.owners[len(self.owners) - len(hashes) :]
        if words:
            inside &= self._of_words(slice(None), n)
        return hashes[inside], owners[inside]

    def _of_words(self, part: slice, n: int) -> np.ndarray:
        """Which n-grams of a part are all kanji and katakana."""
        kinds = self.kinds[part]
        written = (kinds == Kind.KANJI) | (kinds == Kind.KATAKANA)
        found = written[: max(len(written) - n + 1, 0)].copy()
        for place in range(1, n):
            found &= written[place : place + len(found)]
        return found

    def _counted(self, wanted: np.ndarray, n: int, words: bool = False) -> tuple[np.ndarray, np.ndarray]:
        top, copied = np.zeros(len(wanted)), np.zeros(len(wanted))
        ends = np.cumsum(self.lengths)
        for text in np.flatnonzero(wanted & (self.lengths >= n)):
            part = slice(ends[text] - self.lengths[text], ends[text])
            keys = ngram_hashes(self.codes[part], n, np.uint64)
            total = len(keys)
            if words:
                keys = keys[self._of_words(part, n)]
            _, counts = np.unique(keys, return_counts=True)
            top[text], copied[text] = counts.max(initial=0) / total, counts[counts > 1].sum() / total
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

    power, width, result, covered = codes.astype(kind, copy=False) * odd, 1, None, 0
    while covered < n:
        if n & width:
            result = power if result is None else joined(result[: len(power) - covered], power[covered:])
            covered += width
        if covered < n:
            power, width = joined(power[:-width], power[width:]), width * 2
    return result[: len(codes) - n + 1]
