"""MinHash signatures of texts; texts are near copies of one another where their signatures agree in a band (MinHash-LSH).

Signatures are rensa's R-MinHash of the set of character n-grams (Fast Similarity Sketching, arXiv 1704.04370). A pair of Jaccard
similarity s shares a band with probability P(s) = 1 - (1 - s^rows)^bands. Among millions of texts some that are nothing alike
share one by chance, and through them clusters would run together. So the whole signatures are compared as well, four bits of each
hash (b-bit minwise hashing, arXiv 0910.3349).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain

import numpy as np

from studylib.data.fold import Folded

_SEED = 1
_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_AT_ONCE = 1 << 15  # characters whose numbers stay in the processor's cache
_PER_WORD = 16  # hashes in a word of 64 bits, four bits each
_LOWEST_BITS = np.uint64(0x1111111111111111)


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

    def signatures(self, texts: Folded) -> np.ndarray:
        """uint64 [texts, width]."""
        from rensa import RMinHash  # compiled code that specifications do not need

        lengths = texts.lengths
        hashes, starts = ngram_hashes(texts, self.ngram)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, starts, self.hashes, _SEED)
        flat = np.fromiter(chain.from_iterable(matrix.to_rows()), np.uint32, self.hashes * len(lengths))
        values = flat.reshape(len(lengths), self.bands, self.rows)
        keys = np.zeros((len(lengths), self.bands), dtype=np.uint64)
        for row in range(self.rows):
            keys ^= values[:, :, row]
            keys *= _ODD
            keys ^= keys >> np.uint64(32)
        bits = np.zeros((len(lengths), (self.width - self.bands) * _PER_WORD), dtype=np.uint64)
        bits[:, : self.hashes] = flat.reshape(len(lengths), self.hashes) & np.uint32(15)
        words = bits.reshape(len(lengths), self.width - self.bands, _PER_WORD)
        words <<= np.arange(0, 64, 4, dtype=np.uint64)
        found = np.concatenate([keys, np.bitwise_or.reduce(words, axis=2)], axis=1)
        # A signature of nothing is the same for all texts: those without an n-gram have their content instead.
        short = lengths < max(self.ngram, self.exact_below)
        if short.any():
            found[short] = texts.digests()[short, None]
        return found

    def are_near(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Whether pairs are near copies so far as four bits of each hash tell; words behind the keys, [pairs, ...] each."""
        differ = left ^ right
        differ |= differ >> np.uint64(2)
        differ |= differ >> np.uint64(1)
        different = np.bitwise_count(differ & _LOWEST_BITS).sum(axis=1, dtype=np.int64)
        by_chance = 1 / 16  # four bits agree where the hashes do not
        return (1 - different / self.hashes - by_chance) / (1 - by_chance) >= self.least


def ngram_hashes(texts: Folded, ngram: int) -> tuple[np.ndarray, np.ndarray]:
    """64-bit hashes of the character n-grams of texts, one text behind the other, and where each begins.

    uint64 [n-grams] and uint64 [texts + 1].
    """
    ends = texts.ends
    starts = np.zeros(len(ends) + 1, dtype=np.uint64)
    starts[1:] = np.cumsum(np.maximum(texts.lengths - ngram + 1, 0))
    count = len(texts.codes) - ngram + 1
    if count <= 0:
        return np.empty(0, dtype=np.uint64), starts
    hashes = np.empty(count, dtype=np.uint64)
    for first in range(0, count, _AT_ONCE):
        codes = texts.codes[first : first + _AT_ONCE + ngram - 1].astype(np.uint64)
        size = len(codes) - ngram + 1
        part = codes[:size].copy()
        for place in range(1, ngram):
            part *= _ODD
            part += codes[place : size + place]
        part ^= part >> np.uint64(29)
        part *= _MIX
        part ^= part >> np.uint64(32)
        hashes[first : first + size] = part
    whole = np.ones(count, dtype=bool)  # not over the end of a text
    for place in range(1, ngram):
        over = ends - place
        whole[over[(over >= 0) & (over < count)]] = False
    return hashes[whole], starts
