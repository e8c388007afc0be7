"""Steps applied to a block: batch after batch, what stays is handed on, and everything is counted."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studylib.data.clean import Arrays, Batch, Cleaner, Judged, Span
from studylib.data.clean._masks import MASKS
from studylib.data.cleaning.blocks import Rows, read_block, written_block
from studylib.data.cleaning.labels import label_of, spans_of_a_correction, spans_of_a_mask
from studylib.data.cleaning.tally import Tally
from studylib.data.document import Document
from studylib.files import write_bytes, write_json
from studylib.spec import CleanerSpec

_MANY_GONE = 0.25  # of a batch: then those that are left are put together anew
_AROUND_A_SPAN = 60  # characters


@dataclass(frozen=True)
class Survey:
    """Task ``n`` asks a cleaner to survey block ``n``; beside its answers lies the time that it took."""

    step: CleanerSpec
    blocks: Sequence[Path]
    firsts: Sequence[int]
    folder: Path

    def __call__(self, task: int) -> None:
        cleaner, first, began = self.step.built(), self.firsts[task], time.process_time()
        arrays: dict[str, np.ndarray] = {}
        for number, rows in enumerate(read_block(self.blocks[task])):
            answer = cleaner.survey(Batch(rows.documents, first))
            arrays |= {f"{number:06d}.{name}": array for name, array in answer.items()}
            first += len(rows)
        from io import BytesIO

        np.savez(stream := BytesIO(), **arrays)
        write_bytes(self.folder / f"{task:05d}.npz", stream.getvalue())
        write_json(self.folder / f"{task:05d}.json", {"seconds": time.process_time() - began})


@dataclass(frozen=True)
class Stage:
    """Task ``n`` applies steps to block ``n`` and writes what stays to ``folder``.

    Attributes
    ----------
    cleaning
        All steps; ``steps`` are the places of those applied here.
    blocks, firsts
        What they are applied to, and the number of each block's first document among all of them.
    conclusions
        Folders with the conclusions of steps that have surveyed.
    raw, raw_firsts
        The raw blocks, where steps are to be measured ``alone`` too.
    alone
        Places of the steps to be measured on raw blocks here, with the folder of the conclusion where they survey.
    labelled
        Whether anything is known of the documents, so that it is kept which ones were dropped.
    last
        Whether cleaned text is written: shards.
    """

    cleaning: Sequence[CleanerSpec]
    steps: Sequence[int]
    blocks: Sequence[Path]
    firsts: Sequence[int]
    conclusions: Mapping[int, Path]
    folder: Path
    raw: Sequence[Path]
    raw_firsts: Sequence[int]
    alone: Mapping[int, Path | None]
    labelled: bool
    last: bool

    def __call__(self, task: int) -> None:
        cleaners = {place: self.cleaning[place].built() for place in {*self.steps, *self.alone}}
        conclusions = {place: load_arrays(folder) for place, folder in self.conclusions.items()}
        alone = {place: folder and load_arrays(folder) for place, folder in self.alone.items()}
        work = Chain(cleaners, self.steps, conclusions, alone, labelled=self.labelled)
        target = self.folder / f"{task:05d}.parquet"
        first, kept, size = self.firsts[task], 0, 0
        together = self.raw[task] == self.blocks[task]
        with written_block(target, shard=self.last) if self.steps else nullcontext() as block:
            for rows in read_block(self.blocks[task]):
                left = work.apply(rows, first, measured=together)
                first += len(rows)
                kept += len(left)
                size += sum(len(one.text.encode()) for one in left.documents)
                if block is not None:
                    block.add(left)
        if not together and self.alone:
            first = self.raw_firsts[task]
            for rows in read_block(self.raw[task]):
                work.measure(Batch(rows.documents, first), rows.places)
                first += len(rows)
        counted = {
            "documents": kept,
            "bytes": size,
            "steps": {str(place): one.as_json() for place, one in work.in_order.items()},
            "alone": {str(place): one.as_json() for place, one in work.alone.items()},
        }
        write_json(self.folder / f"{task:05d}.json", counted)


class Chain:
    """Steps at work on one block, batch after batch.

    Parameters
    ----------
    cleaners
        By the places of their steps.
    steps
        Places of those to be applied, in order.
    conclusions
        Of those that have surveyed.
    alone
        Places of those to be measured on raw text, with their conclusions of it.
    labelled
        Whether it is kept which documents were dropped.
    """

    def __init__(
        self,
        cleaners: Mapping[int, Cleaner],
        steps: Sequence[int],
        conclusions: Mapping[int, Arrays],
        alone: Mapping[int, Arrays | None],
        *,
        labelled: bool,
    ):
        self._cleaners, self._steps, self._labelled = cleaners, steps, labelled
        self._conclusions, self._alone = conclusions, alone
        self.in_order = {place: Tally() for place in steps}
        self.alone = {place: Tally() for place in alone}

    def apply(self, rows: Rows, first: int, *, measured: bool) -> Rows:
        """What stays of a batch; ``measured``: the batch is raw, and steps are to be measured alone on it."""
        raw = Batch(rows.documents, first)
        current, live, places = raw, list(range(len(raw))), rows.places
        to_measure = dict(self._alone) if measured else {}
        for place in self._steps:
            cleaner, tally, alone = self._cleaners[place], self.in_order[place], None
            if place in to_measure:
                to_measure.pop(place)
                alone = self._judged(place, raw, self._alone[place])
                self._count_alone(place, raw, rows.places, alone)
            whole = len(live) == len(current)
            if alone is not None and current is raw and (whole or not alone.counts):
                judged = alone
            else:
                many = len(live) < (1 - _MANY_GONE) * len(current)
                if many:
                    current, places, live = _left(current, places, live)
                judged = self._judged(place, current, self._conclusions.get(place))
                if judged.counts and len(live) < len(current):
                    current, places, live = _left(current, places, live)
                    judged = self._judged(place, current, None)
            tally.seconds += judged.seconds
            live = self._count(tally, cleaner, current, places, live, judged)
            if judged.texts is not None or judged.copies is not None:
                current, places = _changed(current, places, live, judged)
                live = list(range(len(current)))
        self.measure(raw, rows.places, to_measure)
        current, places, _ = _left(current, places, live)
        return Rows(list(current.documents), places)

    def measure(self, raw: Batch, places: Sequence[int], steps: Mapping[int, Any] | None = None) -> None:
        """Steps alone, on raw text."""
        for place in self._alone if steps is None else steps:
            self._count_alone(place, raw, places, self._judged(place, raw, self._alone[place]))

    def _judged(self, place: int, batch: Batch, conclusion: Arrays | None) -> _Timed:
        cleaner, began = self._cleaners[place], time.process_time()
        judged = cleaner.judge(batch, conclusion)
        for name, answers in (("reasons", judged.reasons), ("texts", judged.texts), ("copies", judged.copies)):
            if answers is not None and len(answers) != len(batch):
                raise AssertionError(f"{type(cleaner).__name__}: {len(answers)} {name} of {len(batch)} documents")
        return _Timed(**vars(judged), seconds=time.process_time() - began)

    def _count_alone(self, place: int, raw: Batch, places: Sequence[int], judged: Judged) -> None:
        tally = self.alone[place]
        for number, (document, reason) in enumerate(zip(raw.documents, judged.reasons, strict=True)):
            if reason:
                tally.add("dropped", 1, len(document.text.encode()))
                if self._labelled:
                    tally.places.append(places[number])
            elif judged.texts is not None and judged.texts[number] != document.text:
                tally.add("removed", 1, len(document.text.encode()) - len(judged.texts[number].encode()))
        if self._labelled:
            self._count_spans(tally, self._cleaners[place], raw.documents, judged)

    @staticmethod
    def _count_spans(tally: Tally, cleaner: Cleaner, documents: Sequence[Document], judged: Judged) -> None:
        if judged.texts is None:
            return
        personal = cleaner.purpose == "mask"
        compare = spans_of_a_mask if personal else spans_of_a_correction
        for number, document in enumerate(documents):
            # What stands around a sound text is labelled; a page that is all menu has no such labels.
            if "spans" in document.labels and (personal or not document.labels.get("fault")):
                labelled = [Span(*one) for one in document.labels["spans"]]
                own = [one for one in labelled if (one.kind in MASKS) == personal]
                tally.add_spans(compare(own, judged.spans.get(number, [])))

    def _count(
        self, tally: Tally, cleaner: Cleaner, batch: Batch, places: Sequence[int], live: Sequence[int], judged: Judged
    ) -> list[int]:
        """Count what a step says of those that are left; return those that are left after it."""
        stays: list[int] = []
        for number in live:
            document, reason = batch.documents[number], judged.reasons[number]
            size = len(document.text.encode())
            tally.add("given", 1, size)
            label = label_of(document.labels)
            if reason:
                tally.add("dropped", 1, size)
                tally.reasons[reason] += 1
                tally.example(reason, document.text, document.origin, label, dropped=True)
                if self._labelled:
                    tally.places.append(places[number])
                continue
            stays.append(number)
            text = document.text if judged.texts is None else judged.texts[number]
            if text != document.text:
                new = len(text.encode())
                tally.add("removed", 1, size - new)
                size = new
                for span in judged.spans.get(number, ())[:1]:
                    around = _around(cleaner, document.text, text, span)
                    tally.example(span.kind, around, document.origin, label, dropped=False)
            if judged.copies is not None and judged.copies[number] > 1:
                more = judged.copies[number] - 1
                tally.add("repeated", more, more * size)
        tally.counts.update(judged.counts)
        return stays


@dataclass
class _Timed(Judged):
    seconds: float = 0.0


def _left(batch: Batch, places: Sequence[int], live: Sequence[int]) -> tuple[Batch, list[int], list[int]]:
    """A batch of those that are left."""
    documents = [batch.documents[number] for number in live]
    return Batch(documents, batch.first), [places[number] for number in live], list(range(len(documents)))


def _changed(batch: Batch, places: Sequence[int], live: Sequence[int], judged: Judged) -> tuple[Batch, list[int]]:
    """A batch of those that are left with the texts that they have from now on, each as often as it is to be written."""
    documents, where = [], []
    for number in live:
        one = batch.documents[number]
        text = one.text if judged.texts is None else judged.texts[number]
        changed = one if text == one.text else Document(text, one.labels, one.origin, one.record, one.piece_of)
        copies = 1 if judged.copies is None else judged.copies[number]
        documents += [changed] * copies
        where += [places[number]] * copies
    return Batch(documents, batch.first), where


def _around(cleaner: Cleaner, before: str, after: str, span: Span) -> str:
    """What lies around a span: of a mask as it is written now, so that no page shows what was masked."""
    if cleaner.purpose == "mask":
        at = max(after.find(MASKS.get(span.kind, "")), 0)
        return after[max(0, at - _AROUND_A_SPAN) : at + _AROUND_A_SPAN]
    return before[max(0, span.start - _AROUND_A_SPAN) : span.stop + _AROUND_A_SPAN]


def load_arrays(folder: Path) -> dict[str, np.ndarray]:
    """A conclusion, mapped into memory: all tasks of a machine share it."""
    return {file.stem: np.load(file, mmap_mode="r") for file in sorted(folder.glob("*.npy"))}
