"""The record of a cleaning: the sum of what its tasks counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studylib.data.cleaning.blocks import read_labels
from studylib.data.cleaning.folder import VERSION
from studylib.data.cleaning.labels import Labelled
from studylib.data.cleaning.tally import Tally
from studylib.data.guard import seal
from studylib.data.text import digest_of
from studylib.files import read_json
from studylib.spec.record_cleaned import Amount, CleanerRecord, LabelCount

if TYPE_CHECKING:
    from studylib.data.cleaning.pipeline import Cleaning
    from studylib.data.cleaning.take_in import Taken

_CLUSTERS = re.compile(r"clusters? of (\d+)(?: to \d+| and more)?")


def record_of_cleaning(
    cleaning: Cleaning, taken: Taken, work: Path, stages: Mapping[int, Path], survey_seconds: Mapping[int, float]
) -> dict[str, Any]:
    """All of `CleanedRecord`, as JSON, but the digests of what was read.

    Parameters
    ----------
    stages
        The folder of each stage that was run.
    survey_seconds
        Of the steps that survey, by their places.
    """
    tallies, alone_tallies, measured = _sums(cleaning, taken, stages)
    by_label = None if measured is None else measured.by_step(alone=cleaning.alone)
    steps, clusters = [], Counter[int]()
    for place, spec in enumerate(cleaning.steps):
        cleaner = spec.built()
        tally, alone = tallies[place], alone_tallies.get(place)
        clusters.update(_clusters(tally.counts))
        found = CleanerRecord(
            cleaner=spec.cleaner,
            purpose=cleaner.purpose,
            reference=cleaner.reference,
            options=cleaner.options.model_dump(mode="json"),
            given=tally.amount("given"),
            dropped=tally.amount("dropped"),
            removed_bytes=tally.amount("removed").bytes,
            repeated=tally.amount("repeated"),
            alone=alone and alone.amount("dropped"),
            alone_removed_bytes=alone and alone.amount("removed").bytes,
            reasons=dict(tally.reasons.most_common()),
            counts=dict(tally.counts.most_common()),
            by_label=({} if by_label is None else by_label[place]) | _by_source(tally, alone),
            spans={} if alone is None else alone.span_counts(),
            examples=tally.shown(),
            seconds=round(tally.seconds + survey_seconds.get(place, 0.0), 3),
        )
        steps.append(found.model_dump(mode="json"))
    last = stages[max(stages)]
    counts = [read_json(last / f"{task:05d}.json") for task in range(len(taken.blocks))]
    shards = [last / f"{task:05d}.parquet" for task, one in enumerate(counts) if one["documents"]]
    files = {one.name: digest_of(one) for one in shards}
    guard = taken.guard()
    kept = Amount(documents=sum(one["documents"] for one in counts), bytes=sum(one["bytes"] for one in counts))
    return {
        **cleaning.head,
        "version": VERSION,
        "raw": {"documents": taken.documents, "bytes": taken.bytes},
        "kept": kept.model_dump(),
        "steps": steps,
        "by_label": _as_json(({} if measured is None else measured.together()) | _by_source_together(taken, tallies)),
        "clusters": {str(size): count for size, count in sorted(clusters.items())},
        "notes": taken.notes,
        "guard": guard,
        "files": files,
        "seal": seal(guard, files),
    }


_NONE = (0, 0)


class _Measured:
    """Documents of which something is known, and which of them each step has dropped, in order and alone."""

    def __init__(self, cleaning: Cleaning):
        self._labelled = Labelled()
        self._dropped: list[set[int]] = [set() for _ in cleaning.steps]
        self._alone: list[set[int]] = [set() for _ in cleaning.steps]

    def add(self, first: int, block: Path, steps: Mapping[str, Any], alone: Mapping[str, Any]) -> None:
        """A raw block, of which the first document has the number ``first``, and what the tasks on it have counted."""
        for place, labels in read_labels(block):
            self._labelled.add(first + place, labels)
        for parts, sets in ((steps, self._dropped), (alone, self._alone)):
            for step, part in parts.items():
                sets[int(step)].update(first + place for place in part["places"])

    def by_step(self, *, alone: bool) -> list[dict[str, LabelCount]]:
        found, gone = [], set[int]()
        for dropped, by_itself in zip(self._dropped, self._alone, strict=True):
            in_turn, of_raw = self._labelled.counted(dropped, gone), self._labelled.counted(by_itself) if alone else {}
            found.append({
                label: LabelCount(
                    given=in_turn.get(label, _NONE)[0], dropped=in_turn.get(label, _NONE)[1],
                    alone=of_raw.get(label, _NONE)[1] if alone else None,
                )
                for label in sorted({*in_turn, *of_raw})  # also where the steps before it left none
            })  # fmt: skip
            gone |= dropped
        return found

    def together(self) -> dict[str, LabelCount]:
        gone = set[int]().union(*self._dropped)
        return {
            name: LabelCount(given=given, dropped=out) for name, (given, out) in self._labelled.counted(gone).items()
        }


def _sums(
    cleaning: Cleaning, taken: Taken, stages: Mapping[int, Path]
) -> tuple[dict[int, Tally], dict[int, Tally], _Measured | None]:
    """By the place of a step: what it did in order, and alone; and the labels, if there are any."""
    sums: dict[str, dict[int, Tally]] = {"steps": {}, "alone": {}}
    measured = _Measured(cleaning) if any(one["labelled"] for one in taken.counts) else None
    first = 0
    for task, block in enumerate(taken.blocks):
        parts: dict[str, dict[str, Any]] = {"steps": {}, "alone": {}}
        for folder in stages.values():
            found = read_json(folder / f"{task:05d}.json")
            for what, own in parts.items():
                own |= found[what]
        for what, own in parts.items():
            for step, part in own.items():
                sums[what].setdefault(int(step), Tally()).include(part)
        if measured is not None:
            measured.add(first, block, **parts)
        first += taken.counts[task]["documents"]
    return sums["steps"], sums["alone"], measured


def _by_source(tally: Tally, alone: Tally | None) -> dict[str, LabelCount]:
    return {
        f"from:{name}": LabelCount(given=given, dropped=dropped, alone=alone and alone.sources[name][1])
        for name, (given, dropped) in sorted(tally.sources.items())
    }


def _by_source_together(taken: Taken, tallies: Mapping[int, Tally]) -> dict[str, LabelCount]:
    raw = sum((Counter(one["sources"]) for one in taken.counts), Counter[str]())
    dropped = {name: sum(one.sources.get(name, (0, 0))[1] for one in tallies.values()) for name in raw}
    return {
        f"from:{name}": LabelCount(given=given, dropped=min(given, dropped[name]))
        for name, given in sorted(raw.items())
    }


def _as_json(counts: Mapping[str, LabelCount]) -> dict[str, Any]:
    return {label: count.model_dump() for label, count in counts.items()}


def _clusters(counts: Mapping[str, int]) -> dict[int, int]:
    """Number of clusters by their least size, where a step counts "cluster of 3" or "clusters of 3 to 4"."""
    return {int(found[1]): count for name, count in counts.items() if (found := _CLUSTERS.fullmatch(name))}
