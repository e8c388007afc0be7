"""Steps at work on one block: batch after batch, what stays is handed on, and everything is counted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from studylib.data.clean import Arrays, Batch, Cleaner, Judged, Span
from studylib.data.clean._masks import MASKS
from studylib.data.cleaning.blocks import Rows
from studylib.data.cleaning.labels import label_of, spans_of_a_correction, spans_of_a_mask
from studylib.data.cleaning.tally import Tally
from studylib.data.document import Document

_MANY_GONE = 0.25  # of a batch: then those that are left are put together anew
_AROUND_A_SPAN = 60  # characters


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
        raw = _Text.of(rows, first)
        text, live = raw, list(range(len(rows)))
        to_measure = dict(self._alone) if measured else {}
        for place in self._steps:
            cleaner, tally, alone = self._cleaners[place], self.in_order[place], None
            if place in to_measure:
                alone = self._measured(place, raw, to_measure.pop(place))
            if alone is not None and text is raw and (len(live) == len(text) or not alone.counts):
                judged = alone
            else:
                text, live = _without_many_gone(text, live, all_of_them=cleaner.purpose in ("correct", "mask"))
                judged = self._judged(place, text.batch, self._conclusions.get(place))
                if judged.counts and len(live) < len(text):
                    text, live = _without_many_gone(text, live, all_of_them=True)
                    judged = self._judged(place, text.batch, None)
            tally.seconds += judged.seconds
            live = self._count(tally, cleaner, text, live, judged)
            if judged.texts is not None or judged.copies is not None:
                text = text.changed(live, judged)
                live = list(range(len(text)))
        for place, conclusion in to_measure.items():
            self._measured(place, raw, conclusion)
        return text.only(live).rows()

    def measure(self, rows: Rows, first: int) -> None:
        """Steps alone, on a batch of raw text."""
        raw = _Text.of(rows, first)
        for place, conclusion in self._alone.items():
            self._measured(place, raw, conclusion)

    def _judged(self, place: int, batch: Batch, conclusion: Arrays | None) -> _Timed:
        cleaner, began = self._cleaners[place], time.process_time()
        judged = cleaner.judge(batch, conclusion)
        for name, answers in (("reasons", judged.reasons), ("texts", judged.texts), ("copies", judged.copies)):
            if answers is not None and len(answers) != len(batch):
                raise AssertionError(f"{type(cleaner).__name__}: {len(answers)} {name} of {len(batch)} documents")
        return _Timed(**vars(judged), seconds=time.process_time() - began)

    def _measured(self, place: int, raw: _Text, conclusion: Arrays | None) -> _Timed:
        """What a step says of raw text; counted."""
        tally, judged = self.alone[place], self._judged(place, raw.batch, conclusion)
        gone = [number for number, reason in enumerate(judged.reasons) if reason]
        tally.add_sources(raw.sources(range(len(raw))), raw.sources(gone))
        for number in gone:
            tally.add("dropped", 1, raw.sizes[number])
            if self._labelled:
                tally.places.append(raw.places[number])
        for number, text in enumerate(judged.texts or ()):
            if not judged.reasons[number] and text != raw.texts[number]:
                tally.add("removed", 1, raw.sizes[number] - len(text.encode()))
        if self._labelled:
            self._count_spans(tally, self._cleaners[place], raw.batch.documents, judged)
        return judged

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

    def _count(self, tally: Tally, cleaner: Cleaner, text: _Text, live: Sequence[int], judged: Judged) -> list[int]:
        """Count what a step says of those that are left; return those that are left after it."""
        tally.add("given", len(live), sum(text.sizes[number] for number in live))
        tally.counts.update(judged.counts)
        stays, goes = [], []
        for number in live:
            (goes if judged.reasons[number] else stays).append(number)
        tally.add_sources(text.sources(live), text.sources(goes))
        for number in goes:
            document, reason = text.batch.documents[number], judged.reasons[number]
            tally.add("dropped", 1, text.sizes[number])
            tally.reasons[reason] += 1
            tally.example(reason, document.text, document.origin, label_of(document.labels), dropped=True)
            if self._labelled:
                tally.places.append(text.places[number])
        for number in stays if judged.texts is not None else ():
            document, new = text.batch.documents[number], judged.texts[number]
            if new != document.text:
                tally.add("removed", 1, text.sizes[number] - len(new.encode()))
                for span in judged.spans.get(number, ())[:1]:
                    around = _around(cleaner, document.text, new, span)
                    tally.example(span.kind, around, document.origin, label_of(document.labels), dropped=False)
        for number in stays if judged.copies is not None else ():
            if (more := judged.copies[number] - 1) > 0:
                new = text.texts[number] if judged.texts is None else judged.texts[number]
                tally.add("repeated", more, more * len(new.encode()))
        return stays


@dataclass
class _Timed(Judged):
    seconds: float = 0.0


@dataclass
class _Text:
    """Documents at one point of the chain: the place of each in its raw block, and its bytes."""

    batch: Batch
    places: list[int]
    sizes: list[int]

    @classmethod
    def of(cls, rows: Rows, first: int) -> Self:
        return cls(Batch(rows.documents, first), rows.places, [len(one.text.encode()) for one in rows.documents])

    def __len__(self) -> int:
        return len(self.places)

    @property
    def texts(self) -> list[str]:
        return self.batch.texts

    def sources(self, live: Iterable[int]) -> Counter[str]:
        """How many of them are from which source, where that is known."""
        documents = self.batch.documents
        names = Counter(documents[number].labels.get("from", "") for number in live)
        del names[""]
        return names

    def rows(self) -> Rows:
        return Rows(list(self.batch.documents), self.places)

    def only(self, live: Sequence[int]) -> Self:
        """Those that are left."""
        if len(live) == len(self):
            return self
        documents = self.batch.documents
        return type(self)(
            Batch([documents[number] for number in live], self.batch.first),
            [self.places[number] for number in live],
            [self.sizes[number] for number in live],
        )

    def changed(self, live: Sequence[int], judged: Judged) -> Self:
        """Those that are left with the texts that they have from now on, each as often as it is to be written."""
        documents, places, sizes = [], [], []
        for number in live:
            one, size = self.batch.documents[number], self.sizes[number]
            if judged.texts is not None and (text := judged.texts[number]) != one.text:
                one, size = Document(text, one.labels, one.origin, one.record, one.piece_of), len(text.encode())
            copies = 1 if judged.copies is None else judged.copies[number]
            documents += [one] * copies
            places += [self.places[number]] * copies
            sizes += [size] * copies
        return type(self)(Batch(documents, self.batch.first), places, sizes)


def _without_many_gone(text: _Text, live: list[int], *, all_of_them: bool) -> tuple[_Text, list[int]]:
    """Those that are left put together anew, if many are gone: what is counted of their characters is counted anew, too."""
    if len(live) < (1 - _MANY_GONE) * len(text) or (all_of_them and len(live) < len(text)):
        return text.only(live), list(range(len(live)))
    return text, live


def _around(cleaner: Cleaner, before: str, after: str, span: Span) -> str:
    """What lies around a span: of a mask as it is written now, so that no page shows what was masked."""
    if cleaner.purpose == "mask":
        at = max(after.find(MASKS.get(span.kind, "")), 0)
        return after[max(0, at - _AROUND_A_SPAN) : at + _AROUND_A_SPAN]
    return before[max(0, span.start - _AROUND_A_SPAN) : span.stop + _AROUND_A_SPAN]
