"""Little cleaners and a source for the tests of the pipeline; what each does can be counted by hand."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np

from studylib.data.clean import Batch, Cleaner, Judged, Span
from studylib.data.clean._masks import MASKS
from studylib.data.document import Document
from studylib.data.source import Source
from studylib.frozen import Frozen


class Without(Cleaner):
    """Drops documents that hold a word."""

    class Options(Frozen):
        word: str = "広告"

    purpose, reference = "filter", "test"

    def judge(self, batch, conclusion=None):
        return Judged([f"holds {self.options.word}" if self.options.word in text else "" for text in batch.texts])


class Cut(Cleaner):
    """Takes a word out of every text; counts how often."""

    class Options(Frozen):
        cut: str = "メニュー"

    purpose, reference = "correct", "test"

    def judge(self, batch, conclusion=None):
        judged, word = Judged([""] * len(batch), texts=[]), self.options.cut
        for place, text in enumerate(batch.texts):
            at = text.find(word)
            if at >= 0:
                judged.spans[place] = [Span(at, at + len(word), "boilerplate")]
            judged.counts["words"] += text.count(word)
            judged.texts.append(text.replace(word, ""))
        return judged


class Digits(Cleaner):
    """Masks "0120" as a telephone number."""

    purpose, reference = "mask", "test"

    def judge(self, batch, conclusion=None):
        judged = Judged([""] * len(batch), texts=[text.replace("0120", MASKS["phone"]) for text in batch.texts])
        for place, text in enumerate(batch.texts):
            if (at := text.find("0120")) >= 0:
                judged.spans[place] = [Span(at, at + 4, "phone")]
                judged.counts["phone"] += 1
        return judged


class Once(Cleaner):
    """Of equal texts keeps one, which is written ``copies`` times if there were several; numbers must be without a gap."""

    class Options(Frozen):
        write: int = 1

    purpose, reference, surveys = "deduplicate", "test", True

    def survey(self, batch: Batch):
        keys = np.array([hash_of(text) for text in batch.texts], dtype=np.int64)
        return {"keys": keys, "numbers": np.arange(batch.first, batch.first + len(batch))}

    def conclude(self, surveys):
        parts = list(surveys)
        numbers = np.concatenate([one["numbers"] for one in parts])
        assert (numbers == np.arange(len(numbers))).all()
        keys = np.concatenate([one["keys"] for one in parts])
        _, first, inverse, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
        keep = np.zeros(len(keys), dtype=bool)
        keep[first] = True
        return {"keep": keep, "size": counts[inverse], "keys": keys}

    def judge(self, batch: Batch, conclusion=None):
        own = slice(batch.first, batch.first + len(batch))
        assert conclusion["keys"][own].tolist() == [hash_of(text) for text in batch.texts]
        kept, sizes = conclusion["keep"][own], conclusion["size"][own]
        return Judged(
            ["" if one else "copy" for one in kept],
            copies=[self.options.write if size > 1 else 1 for size in sizes],
            counts=Counter(f"cluster of {size}" for one, size in zip(kept, sizes, strict=True) if one and size > 1),
        )


def hash_of(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "big")


CLEANERS = {"without": Without, "cut": Cut, "digits": Digits, "once": Once}


class Listed(Source):
    """A list of documents, or of texts."""

    def __init__(self, documents):
        super().__init__("listed", {})
        made = [Document(one) if isinstance(one, str) else one for one in documents]
        self._documents = [
            Document(one.text, one.labels, one.origin or f"row {number}", one.record) for number, one in enumerate(made)
        ]

    def documents(self):
        yield from self._documents
