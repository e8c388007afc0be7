"""MinHash signatures of texts; texts are near copies of one another where their signatures agree in a band (MinHash-LSH).

Signatures are rensa's R-MinHash of the set of character n-grams (Fast Similarity Sketching, arXiv 1704.04370). A pair of Jaccard
similarity s shares a band with probability P(s) = 1 - (1 - s^rows)^bands. Among millions of texts some that are nothing alike
share one by chance, and through them clusters would run together. So the whole signatures are compared as well, four bits of each
hash (b-bit minwise hashing, arXiv 0910.3349).
"""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

_SEED = 1
_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_CHARACTERS_AT_ONCE = 1 << 18  # what is computed of them fits the processor's cache
_PER_WORD = 16  # hashes in a word of 64 bits, four bits each
_LOWEST_BITS = np.uint64(0x1111111111111111)


def plain(text: str) -> str:
    """A text as copies are told by: NFKC, one case, one space for white space of any length."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def digest_of_text(text: str) -> int:
    """64 bits of its content; lone surrogates are fine."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def digests_of_texts(texts: Iterable[str]) -> np.ndarray:
    """`digest_of_text` of each; uint64 [texts]."""
    return np.fromiter(map(digest_of_text, texts), dtype=np.uint64)


@dataclass(frozen=True)
class MinHash:
    """How near copies are told.

    Attributes
    ----------
    ngram
        Characters of an n-gram; a text with fewer is compared exactly.
    bands, rows
        Bands of a signature, and hashes of a band, all of which must agree.
    exact_below
        Texts of fewer characters are compared exactly, too.
    """

    ngram: int = 5
    bands: int = 14
    rows: int = 8
    exact_below: int = 0

    @property
    def hashes(self) -> int:
        return self.bands * self.rows

    @property
    def threshold(self) -> float:
        """The similarity at which the curve is steepest, about: (1 / bands)^(1 / rows)."""
        return (1 / self.bands) ** (1 / self.rows)

    @property
    def least(self) -> float:
        """The similarity, as the whole signatures tell it, below which a shared band is chance.

        Six standard errors below the threshold, so that it changes nothing of P(s) where P(s) is worth mentioning.
        """
        return self.threshold - 6 * math.sqrt(self.threshold * (1 - self.threshold) / self.hashes)

    @property
    def width(self) -> int:
        """Words of 64 bits of a signature: a key for each band, then four bits of each hash."""
        return self.bands + -(-self.hashes // _PER_WORD)

    def probability(self, similarity: float) -> float:
        """P(s): that a pair of this Jaccard similarity shares a band."""
        return 1 - (1 - similarity**self.rows) ** self.bands

    def signatures(self, texts: Sequence[str]) -> np.ndarray:
        """The signatures of texts that are `plain` already; uint64 [texts, width]."""
        found = np.empty((len(texts), self.width), dtype=np.uint64)
        first = 0
        while first < len(texts):
            stop, characters = first, 0
            while stop < len(texts) and characters < _CHARACTERS_AT_ONCE:
                characters += len(texts[stop])
                stop += 1
            found[first:stop] = self._signatures(texts[first:stop])
            first = stop
        return found

    def _signatures(self, texts: Sequence[str]) -> np.ndarray:
        from rensa import RMinHash  # compiled code that specifications do not need

        hashes, starts = ngram_hashes(texts, self.ngram)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, starts, self.hashes, _SEED)
        flat = np.fromiter(chain.from_iterable(matrix.to_rows()), np.uint32, self.hashes * len(texts))
        values = flat.reshape(len(texts), self.bands, self.rows)
        keys = np.zeros((len(texts), self.bands), dtype=np.uint64)
        for row in range(self.rows):
            keys ^= values[:, :, row]
            keys *= _ODD
            keys ^= keys >> np.uint64(32)
        words = np.zeros((len(texts), self.width - self.bands, _PER_WORD), dtype=np.uint64)
        words.reshape(len(texts), -1)[:, : self.hashes] = flat.reshape(len(texts), -1) & np.uint32(15)
        words <<= np.arange(0, 64, 4, dtype=np.uint64)
        found = np.concatenate([keys, np.bitwise_or.reduce(words, axis=2)], axis=1)
        # A signature of nothing is the same for all texts: those without an n-gram have their content instead.
        least = max(self.ngram, self.exact_below)
        for place, text in enumerate(texts):
            if len(text) < least:
                found[place] = digest_of_text(text)
        return found

    def are_near(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Whether pairs are near copies so far as four bits of each hash tell; words behind the keys, [pairs, ...] each."""
        differ = left ^ right
        differ |= differ >> np.uint64(2)
        differ |= differ >> np.uint64(1)
        different = np.bitwise_count(differ & _LOWEST_BITS).sum(axis=1, dtype=np.int64)
        by_chance = 1 / 16  # four bits agree where the hashes do not
        return (1 - different / self.hashes - by_chance) / (1 - by_chance) >= self.least


def ngram_hashes(texts: Sequence[str], ngram: int) -> tuple[np.ndarray, np.ndarray]:
    """64-bit hashes of the character n-grams of texts, one text behind the other, and where each begins.

    uint64 [n-grams] and uint64 [texts + 1].
    """
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    ends = np.cumsum(lengths)
    starts = np.zeros(len(texts) + 1, dtype=np.uint64)
    starts[1:] = np.cumsum(np.maximum(lengths - ngram + 1, 0))
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    count = len(codes) - ngram + 1
    if count <= 0:
        return np.empty(0, dtype=np.uint64), starts
    hashes = codes[:count].astype(np.uint64)
    for place in range(1, ngram):
        hashes *= _ODD
        hashes += codes[place : count + place]
    hashes ^= hashes >> np.uint64(29)
    hashes *= _MIX
    hashes ^= hashes >> np.uint64(32)
    whole = np.ones(count, dtype=bool)  # not over the end of a text
    for place in range(1, ngram):
        over = ends - place
        whole[over[(over >= 0) & (over < count)]] = False
    return hashes[whole], starts
