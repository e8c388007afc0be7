"""Training or validation, decided by the text itself, and the same for all near copies of it."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import BinaryIO

import numpy as np

from studylib.data.fold import Folded
from studylib.data.minhash import MinHash
from studylib.data.near import SignatureFile, clusters, heads, joined_by

SIDES = ("train", "validation")
NEAR = MinHash()
_AT_MOST = 1.5  # times the share that was asked for
_SMALL = 3  # copies that may lie on the validation side however few documents there are


class Split:
    """The sides of documents that are given one batch after the other.

    Documents that are near copies of one another, directly or through others, are on the same side, and it is decided by the
    content of one of them that their content chooses: the order of the documents does not matter, and a text that is in two
    sources is mostly on the same side in both (not where it has other near copies, or much of a source is one template). A cluster of more than a third of the documents
    that validation would have goes to training: a thousand pages of one template are no sample of the text.

    Parameters
    ----------
    stream
        A file of its own for signatures, open for reading and writing bytes: 168 bytes a document. In memory are 16, and some
        dozen once all are given.
    validation_fraction
        Of the documents, about.
    """

    def __init__(self, stream: BinaryIO, validation_fraction: float):
        self._signatures, self._fraction = SignatureFile(stream, NEAR.width), validation_fraction
        self._digests, self._ends, self._together = array("Q"), array("q"), array("Q")

    def add(self, texts: Sequence[str], contents: Iterable[bytes], together: Iterable[str] = ()) -> None:
        """Some more documents; ``contents`` are their texts as UTF-8. Those of one ``together`` are as near copies are (of all
        documents, or of none)."""
        self._together.extend(_digest(one.encode()) for one in together)
        self._signatures.add(NEAR.signatures(Folded(texts)))
        end = self._ends[-1] if self._ends else 0
        for content in contents:
            end += len(content)
            self._digests.append(_digest(content))
            self._ends.append(end)

    @property
    def digests(self) -> np.ndarray:
        """64 bits of the content of each document; uint64 [documents]."""
        return np.frombuffer(self._digests, dtype=np.uint64) if self._digests else np.empty(0, dtype=np.uint64)

    @property
    def ends(self) -> np.ndarray:
        """Bytes up to the end of each document; int64 [documents]."""
        return np.frombuffer(self._ends, dtype=np.int64) if self._ends else np.empty(0, dtype=np.int64)

    def in_validation(self) -> np.ndarray:
        """Whether each document is on the validation side; bool [documents].

        Where that leaves none there, clusters of up to half of the documents may lie there too: a few texts copied very often.
        A text that is one template and nothing else is split by the content of each document, so `straddling` is not 0.
        """
        chosen, sizes = self._clusters
        count, digests = len(chosen), self.digests
        for largest in (max(_SMALL, self._fraction * count / 3), count / 2):
            small = sizes <= largest
            # The others make up for those that go to training, within bounds.
            share = self._fraction * min(count / max(small.sum(), 1), _AT_MOST)
            found = small & (digests[chosen] < np.uint64(int(share * 2**64)))
            if found.any():
                return found
        return digests < np.uint64(int(self._fraction * 2**64))

    def straddling(self, in_validation: np.ndarray) -> int:
        """How many validation documents have near copies in training."""
        chosen, _ = self._clusters
        return int(np.isin(chosen[in_validation], chosen[~in_validation]).sum())

    def different(self, documents: np.ndarray) -> int:
        """How many of some documents (bool [documents], a whole side) are no near copies of one another."""
        chosen, _ = self._clusters
        return len(np.unique(chosen[documents]))

    @cached_property
    def _clusters(self) -> tuple[np.ndarray, np.ndarray]:
        """The document that decides for each one, and how many it decides for; int64 [documents] each."""
        digests = self.digests
        # By other bits than those that decide: the smallest of several would be in validation more often.
        drawn = (digests ^ (digests >> np.uint64(31))) * np.uint64(0x94D049BB133111EB)
        labels = clusters(self._signatures, digests, NEAR)
        if self._together:
            labels = joined_by(labels, np.frombuffer(self._together, dtype=np.uint64))
        return heads(labels, drawn ^ (drawn >> np.uint64(29)), digests)


def _digest(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8, person=b"study split").digest(), "big")
