"""Near copies by MinHash-LSH on character n-grams."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from pydantic import Field

from studylib.data.clean import Arrays, Batch, Cleaner, Judged, Purpose
from studylib.data.clean._copies import Copies, bytes_of, judged
from studylib.data.fold import Folded, digests_of_texts
from studylib.data.minhash import MinHash
from studylib.data.near import SignatureFile, clusters, heads
from studylib.frozen import Count, Positive

__all__ = ["Minhash"]

_REASONS = ("", "exact copy", "copy in other numbers", "near copy")


class Minhash(Cleaner):
    """Of documents that are near copies of one another, directly or through others, keeps the longest.

    Texts that differ in their numbers only, as forecasts and price lists made from one template do, are counted apart, whether
    they are in one cluster ("copy in other numbers") or were told apart ("kept: another with other numbers").
    """

    class Options(Copies):
        ngram: Positive = 5
        bands: Positive = 14
        rows: Positive = 8
        exact_below: Count = Field(
            default=20,
            description="texts of fewer characters are compared exactly: a greeting is not a copy of another",
        )

    options: Options
    purpose: ClassVar[Purpose] = "deduplicate"
    reference: ClassVar[str] = (
        "14 bands of 8 and 5-grams as FineWeb (arXiv 2406.17557), of characters; rehydration: FineWeb-2"
    )
    surveys: ClassVar[bool] = True

    @property
    def minhash(self) -> MinHash:
        options = self.options
        return MinHash(options.ngram, options.bands, options.rows, options.exact_below)

    def survey(self, batch: Batch) -> dict[str, np.ndarray]:
        """Of each text its ``signature`` and ``bytes``, and 64 bits: as it is, as compared (``key``), and without numbers."""
        texts = Folded(batch.texts)
        return {
            "signature": self.minhash.signatures(texts),
            "bytes": bytes_of(batch.texts),
            "raw": digests_of_texts(batch.texts),
            "key": texts.digests(),
            "shape": texts.without_numbers().digests(),
        }

    def conclude(self, surveys: Iterator[Arrays]) -> dict[str, np.ndarray]:
        parts: dict[str, list[np.ndarray]] = {name: [] for name in ("bytes", "raw", "key", "shape")}
        with tempfile.TemporaryFile() as stream:
            signatures = SignatureFile(stream, self.minhash.width)
            for one in surveys:
                signatures.add(one["signature"])
                for name, part in parts.items():
                    part.append(one[name])
            size, raw, key, shape = (np.concatenate([np.empty(0, np.uint64), *part]) for part in parts.values())
            labels = clusters(signatures, key, self.minhash)
        head, sizes = heads(labels, -size.astype(np.int64), raw)
        kind = np.where(shape == shape[head], 2, 3).astype(np.uint8)
        kind[key == key[head]] = 1
        kind[head] = 0
        return {"kind": kind, "sizes": sizes.astype(np.uint32), "alike": _alike(shape, kind == 0)}

    def judge(self, batch: Batch, conclusion: Arrays | None = None) -> Judged:
        found = judged(batch, conclusion, _REASONS, self.options)
        alike = int(conclusion["alike"][batch.first : batch.first + len(batch)].sum())
        if alike:
            found.counts["kept: another with other numbers"] = alike
        return found


def _alike(shape: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Whether a text is kept and so is another that differs in numbers only; bool [texts]."""
    own = shape[kept]
    _, place, times = np.unique(own, return_inverse=True, return_counts=True)
    alike = np.zeros(len(shape), dtype=bool)
    alike[kept] = times[place] > 1
    return alike
