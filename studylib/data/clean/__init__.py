"""Cleaning text: filters, corrections, deduplication and masks, one file each. A choice is a class derived from ``Cleaner``.

What a cleaner is asked:

- One that looks at documents one by one is asked `judge` for batch after batch.
- One that must have seen the whole text first (`surveys`: deduplication, a trained classifier) is asked `survey` of every
  batch, `conclude` once, and then `judge` for every batch again, with the conclusion.

Surveys and conclusions are arrays by name, so that they can lie in files: batches are judged in other processes, on other
machines, and again after a kill. Nothing may depend on the order of the documents, nor on how they were cut into batches.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from studylib.data.document import Document
from studylib.registry import Choice

if TYPE_CHECKING:
    import numpy as np

    from studylib.data.clean._characters import Characters
    from studylib.data.digest import FileDigests

Purpose = Literal["filter", "correct", "deduplicate", "mask"]
Arrays = Mapping[str, "np.ndarray"]


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``start`` to ``stop`` of a text, and what they are."""

    start: int
    stop: int
    kind: str


@dataclass
class Batch:
    """Documents that are judged together; what several cleaners need of their characters is counted once.

    Attributes
    ----------
    documents
        In the order of the text.
    first
        Number of the first one among all documents that the cleaner is given, counted from 0.
    """

    documents: Sequence[Document]
    first: int = 0

    def __len__(self) -> int:
        return len(self.documents)

    @cached_property
    def texts(self) -> list[str]:
        return [one.text for one in self.documents]

    @cached_property
    def characters(self) -> Characters:
        """Code points and their classes, all texts in one array."""
        from studylib.data.clean._characters import Characters

        return Characters(self.texts)


@dataclass
class Judged:
    """What a cleaner says of a batch.

    Attributes
    ----------
    reasons
        A document each: empty keeps it, else in a word or two why it is dropped ("kana share"), the same for all of a kind.
    texts
        The texts as they are from now on; None: unchanged.
    spans
        By the document's place in the batch: what was taken out or replaced, in the text as it was given.
    copies
        How often a kept document is written; None: once.
    counts
        What was found, by kind: lines taken out, e-mail addresses masked, sizes of clusters.
    """

    reasons: list[str]
    texts: list[str] | None = None
    spans: dict[int, list[Span]] = field(default_factory=dict)
    copies: list[int] | None = None
    counts: Counter[str] = field(default_factory=Counter)


class Cleaner(Choice):
    """One step of cleaning.

    Attributes
    ----------
    purpose
        What it does, for funnels and plans.
    reference
        Where the rule and its thresholds are from: a paper, a program, or a measurement of this study.
    surveys
        Whether it must have seen the whole text before it can judge.
    """

    purpose: ClassVar[Purpose]
    reference: ClassVar[str]
    surveys: ClassVar[bool] = False

    @property
    def remote(self) -> bool:
        """Whether `check` has to ask a server."""
        return False

    def check(self) -> None:
        """Raise StudyError if something it needs (a list, a text to learn from) cannot be had; quick."""

    def inputs(self, digests: FileDigests) -> dict[str, str]:
        """Digest of every file that its options name, by its path: what these say is part of what it does."""
        return {}

    def survey(self, batch: Batch) -> dict[str, np.ndarray]:
        """What must be known of the documents of a batch; small."""
        raise NotImplementedError

    def conclude(self, surveys: Iterator[Arrays]) -> dict[str, np.ndarray]:
        """What follows from the surveys of all batches, in the order of the text."""
        raise NotImplementedError

    @abstractmethod
    def judge(self, batch: Batch, conclusion: Arrays | None = None) -> Judged:
        """Of every document whether it is kept, and its text from now on."""


__all__ = ["Arrays", "Batch", "Cleaner", "Judged", "Purpose", "Span"]
