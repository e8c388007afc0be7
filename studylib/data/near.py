"""Near copies: texts whose MinHash signatures agree in a band (MinHash-LSH), and the clusters that they form.

Signatures are rensa's R-MinHash of the set of character n-grams (Fast Similarity Sketching, arXiv 1704.04370). A pair of Jaccard
similarity s shares a band with probability P(s) = 1 - (1 - s^rows)^bands. Among millions of texts some that are nothing alike
share one by chance, and through them clusters would run together. So the whole signatures are compared as well, four bits of each
hash (b-bit minwise hashing, arXiv 0910.3349).
"""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

import numpy as np

_SEED = 1
_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_CHARACTERS_AT_ONCE = 1 << 18  # what is computed of them fits the processor's cache
_ROWS_AT_ONCE = 1 << 15
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
    """

    ngram: int = 5
    bands: int = 14
    rows: int = 8

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
        for place in np.flatnonzero(starts[1:] == starts[:-1]).tolist():
            found[place] = digest_of_text(texts[place])
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


class SignatureFile:
    """Signatures of texts in an open file: added batch by batch, read column by column, so that memory holds few of them.

    Parameters
    ----------
    stream
        A file of its own, open for reading and writing bytes.
    width
        Words of a signature.
    """

    def __init__(self, stream: BinaryIO, width: int):
        self._stream, self._width = stream, width
        self._texts = stream.seek(0, 2) // (8 * width)

    def add(self, signatures: np.ndarray) -> None:
        """``signatures``: uint64 [texts, width]."""
        self._stream.write(np.ascontiguousarray(signatures, dtype=np.uint64).data)
        self._texts += len(signatures)

    def __len__(self) -> int:
        return self._texts

    def parts(self) -> Iterator[np.ndarray]:
        """The signatures of one part of the texts after the other; uint64 [texts of the part, width]."""
        self._stream.flush()
        self._stream.seek(0)
        while read := self._stream.read(8 * self._width * _ROWS_AT_ONCE):
            yield np.frombuffer(read, dtype=np.uint64).reshape(-1, self._width)
        self._stream.seek(0, 2)

    def column(self, place: int) -> np.ndarray:
        """A word of every signature; uint64 [texts]."""
        return np.concatenate([np.empty(0, np.uint64), *(part[:, place] for part in self.parts())])

    def words(self, texts: np.ndarray, first: int) -> np.ndarray:
        """The words from number ``first`` on of ``texts``, which are ascending; uint64 [len(texts), width - first]."""
        found, begin = [np.empty((0, self._width - first), dtype=np.uint64)], 0
        for part in self.parts():
            low, high = np.searchsorted(texts, [begin, begin + len(part)])
            found.append(part[texts[low:high] - begin, first:])
            begin += len(part)
        return np.concatenate(found)


def clusters(signatures: SignatureFile, content: np.ndarray, minhash: MinHash) -> np.ndarray:
    """Which texts are near copies of one another, directly or through others; int64 [texts], a number for each cluster.

    ``content``, uint64 [texts], is equal for equal texts only: by it the texts of a band are put in an order, each compared
    with the one before it and with the first, so the clusters do not depend on the order of the texts. Memory is a few dozen
    bytes a text.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(signatures)
    labels = np.arange(count)
    for band in range(minhash.bands):
        keys = signatures.column(band)
        order = np.lexsort((content, keys))
        keys = keys[order]
        again = np.flatnonzero(keys[1:] == keys[:-1]) + 1
        first = np.searchsorted(keys, keys[again])
        left, right = order[np.concatenate([again - 1, first])], order[np.concatenate([again, again])]
        new = labels[left] != labels[right]
        left, right = left[new], right[new]
        texts, places = np.unique(np.concatenate([left, right]), return_inverse=True)
        words = signatures.words(texts, minhash.bands)
        near = minhash.are_near(words[places[: len(left)]], words[places[len(left) :]])
        if near.any():
            edges = labels[left[near]], labels[right[near]]
            graph = coo_array((np.ones(len(edges[0]), dtype=np.int8), edges), shape=(count, count))
            labels = connected_components(graph, directed=False)[1].astype(np.int64)[labels]
    return labels


def heads(labels: np.ndarray, *by: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each text the place of one member of its cluster, the same for all of them, and how many they are.

    Parameters
    ----------
    labels
        [texts], equal within a cluster.
    by
        [texts] each: the member is the one with the smallest value of the first, among equals of the second...; where all are
        equal the one that comes first.

    Returns
    -------
    heads, sizes
        int64 [texts] each.
    """
    order = np.lexsort((*reversed(by), labels))
    ordered = labels[order]
    begins = np.flatnonzero(np.concatenate([np.ones(min(len(labels), 1), dtype=bool), ordered[1:] != ordered[:-1]]))
    counts = np.diff(begins, append=len(labels))
    head, size = np.empty_like(order), np.empty_like(order)
    head[order] = np.repeat(order[begins], counts)
    size[order] = np.repeat(counts, counts)
    return head, size
