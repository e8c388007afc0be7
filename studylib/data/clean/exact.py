"""Copies that are equal to the character."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from pydantic import Field

from studylib.data.clean import Arrays, Batch, Cleaner, Judged, Purpose
from studylib.data.clean._copies import Copies, bytes_of, joined, judged
from studylib.data.fold import digests_of_texts, plain
from studylib.data.near import heads

__all__ = ["Exact"]

_REASONS = ("", "exact copy", "copy in other characters")


class Exact(Cleaner):
    """Of documents with the same text keeps one, the shortest in bytes: ASCII digits before full-width ones.

    What is equal only after normalisation is counted apart ("copy in other characters").
    """

    class Options(Copies):
        normalize: bool = Field(default=True, description="compare after NFKC, without case, all white space one space")

    options: Options
    purpose: ClassVar[Purpose] = "deduplicate"
    reference: ClassVar[str] = (
        "Lee et al. 2022 (arXiv 2107.06499); normalisation as CCNet's keys of lines (arXiv 1911.00359)"
    )
    surveys: ClassVar[bool] = True

    def survey(self, batch: Batch) -> dict[str, np.ndarray]:
        """Of each text 64 bits as it is (``raw``) and as it is compared (``key``), and its ``bytes``."""
        raw = digests_of_texts(batch.texts)
        key = digests_of_texts(map(plain, batch.texts)) if self.options.normalize else raw
        return {"raw": raw, "key": key, "bytes": bytes_of(batch.texts)}

    def conclude(self, surveys: Iterator[Arrays]) -> dict[str, np.ndarray]:
        raw, key, size = joined(surveys, "raw", "key", "bytes")
        head, sizes = heads(key, size, raw)
        kind = np.where(raw == raw[head], 1, 2).astype(np.uint8)
        kind[head] = 0
        return {"kind": kind, "sizes": sizes.astype(np.uint32)}

    def judge(self, batch: Batch, conclusion: Arrays | None = None) -> Judged:
        return judged(batch, conclusion, _REASONS, self.options)
