"""Near copies among many texts: the clusters that they form, and which texts are near copies of some others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

import numpy as np

from studylib.data.minhash import MinHash

_ROWS_AT_ONCE = 1 << 15
_BEFORE = 3  # in a band: some of those between are there by chance


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
        column, begin = np.empty(self._texts, dtype=np.uint64), 0
        for part in self.parts():
            column[begin : begin + len(part)] = part[:, place]
            begin += len(part)
        return column

    def words(self, texts: np.ndarray, first: int) -> np.ndarray:
        """The words from number ``first`` on of ``texts``, which are ascending; uint64 [len(texts), width - first]."""
        found, begin = np.empty((len(texts), self._width - first), dtype=np.uint64), 0
        for part in self.parts():
            low, high = np.searchsorted(texts, [begin, begin + len(part)])
            found[low:high] = part[texts[low:high] - begin, first:]
            begin += len(part)
        return found


def clusters(signatures: SignatureFile, content: np.ndarray, minhash: MinHash) -> np.ndarray:
    """Which texts are near copies of one another, directly or through others; int64 [texts], a number for each cluster.

    ``content``, uint64 [texts], is equal for equal texts only: by it the texts of a band are put in an order, each compared
    with the few before it and with the first, so the clusters do not depend on the order of the texts. Memory is a few dozen
    bytes a text.
    """
    labels = np.arange(len(signatures))
    for band in range(minhash.bands):
        keys = signatures.column(band)
        order = np.lexsort((content, keys))
        keys = keys[order]
        again = np.flatnonzero(keys[1:] == keys[:-1]) + 1
        first = np.searchsorted(keys, keys[again])
        for lag in (None, *range(1, _BEFORE + 1)):  # the first one joins nearly all that there is to join
            left, right = order[first if lag is None else np.maximum(again - lag, first)], order[again]
            apart = np.flatnonzero(labels[left] != labels[right])
            left, right = left[apart], right[apart]
            near = _are_near(signatures, left, right, minhash)
            labels = _joined(labels, left[near], right[near])
    return labels


def _are_near(signatures: SignatureFile, left: np.ndarray, right: np.ndarray, minhash: MinHash) -> np.ndarray:
    """Of each pair whether the whole signatures say so; bool [pairs]."""
    if not len(left):
        return np.empty(0, dtype=bool)
    texts = np.unique(np.concatenate([left, right]))
    words, near = signatures.words(texts, minhash.bands), np.empty(len(left), dtype=bool)
    for begin in range(0, len(left), _ROWS_AT_ONCE):
        part = slice(begin, begin + _ROWS_AT_ONCE)
        own, other = (words[np.searchsorted(texts, side[part])] for side in (left, right))
        near[part] = minhash.are_near(own, other)
    return near


def _joined(labels: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The labels when the components of each pair are one; each is the smallest of its own, before and after.

    Every larger label points to the smallest beside it, and labels follow until nothing moves: a few rounds. (SciPy's components
    of a graph cost a quarter of a second to import.)
    """
    while len(left):
        ones, others = labels[left], labels[right]
        to = np.arange(len(labels))
        np.minimum.at(to, np.maximum(ones, others), np.minimum(ones, others))
        while (further := to[to] != to).any():
            to[further] = to[to[further]]
        labels = to[labels]
        apart = labels[left] != labels[right]
        left, right = left[apart], right[apart]
    return labels


def joined_by(labels: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """``labels`` when texts of equal ``keys`` (uint64 [texts]) are in one cluster, too."""
    order = np.argsort(keys, kind="stable")
    again = np.flatnonzero(keys[order][1:] == keys[order][:-1])
    return _joined(labels, order[again], order[again + 1])


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


class NearTo:
    """Tells which texts are near copies of any of some others.

    Parameters
    ----------
    signatures
        Of the others, part by part: uint64 [texts, width]. They are held in memory.
    """

    def __init__(self, signatures: Iterable[np.ndarray], minhash: MinHash):
        self._minhash = minhash
        self._others = np.concatenate([np.empty((0, minhash.width), dtype=np.uint64), *signatures])
        orders = [np.argsort(self._others[:, band]) for band in range(minhash.bands)]
        self._bands = [(order, self._others[order, band]) for band, order in enumerate(orders)]

    def __call__(self, signatures: np.ndarray) -> np.ndarray:
        """Of each text; bool [texts] for uint64 [texts, width]."""
        bands, near = self._minhash.bands, np.zeros(len(signatures), dtype=bool)
        for band, (order, keys) in enumerate(self._bands):
            at = np.searchsorted(keys, signatures[:, band])
            ends = np.searchsorted(keys, signatures[:, band], side="right")
            while len(left := np.flatnonzero((at < ends) & ~near)):
                others = self._others[order[at[left]], bands:]
                near[left] = self._minhash.are_near(signatures[left, bands:], others)
                at[left] += 1
        return near
