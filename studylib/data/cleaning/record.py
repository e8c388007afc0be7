"""The record of a cleaning: the sum of what its tasks counted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
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

_CLUSTER = re.compile(r"clusters? of (\d+)")


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
    parts = _Parts(stages, len(taken.blocks))
    measured = _measured(parts, taken, len(cleaning.steps)) if any(one["labelled"] for one in taken.counts) else None
    steps, clusters = [], {}
    for place, spec in enumerate(cleaning.steps):
        cleaner = spec.built()
        tally, alone = parts.sum("steps", place), parts.sum("alone", place)
        clusters |= _clusters(tally.counts)
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
            by_label={} if measured is None else measured.steps[place],
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
        "by_label": {} if measured is None else _as_json(measured.together),
        "clusters": {str(size): count for size, count in sorted(clusters.items())},
        "notes": taken.notes,
        "guard": guard,
        "files": files,
        "seal": seal(guard, files),
    }


class _Parts:
    """What the tasks of all stages have counted."""

    def __init__(self, stages: Mapping[int, Path], tasks: int):
        self._stages, self._tasks = stages, tasks

    def of(self, task: int, what: str, place: int) -> dict[str, Any] | None:
        for folder in self._stages.values():
            if (found := read_json(folder / f"{task:05d}.json")[what].get(str(place))) is not None:
                return found
        return None

    def sum(self, what: str, place: int) -> Tally | None:
        parts = [one for task in range(self._tasks) if (one := self.of(task, what, place)) is not None]
        return Tally.sum(parts) if parts else None


class _Measured:
    def __init__(self, steps: Sequence[Mapping[str, LabelCount]], together: Mapping[str, LabelCount]):
        self.steps, self.together = steps, together


def _measured(parts: _Parts, taken: Taken, steps: int) -> _Measured:
    """Documents by label: of each step in order and alone, and of all together."""
    labelled, first = Labelled(), 0
    dropped: list[set[int]] = [set() for _ in range(steps)]
    alone: list[set[int] | None] = [set() for _ in range(steps)]
    for task, (block, counts) in enumerate(zip(taken.blocks, taken.counts, strict=True)):
        for place, labels in read_labels(block):
            labelled.add(first + place, labels)
        for step in range(steps):
            dropped[step].update(first + place for place in parts.of(task, "steps", step)["places"])
            own = parts.of(task, "alone", step)
            alone[step] = None if own is None else alone[step] | {first + place for place in own["places"]}
        first += counts["documents"]
    gone: set[int] = set()
    of_steps = []
    for step in range(steps):
        counts = labelled.counted(dropped[step], gone)
        by_itself = {} if alone[step] is None else labelled.counted(alone[step])
        of_steps.append(
            {
                label: LabelCount(given=given, dropped=out, alone=by_itself[label][1] if by_itself else None)
                for label, (given, out) in counts.items()
            }
        )
        gone |= dropped[step]
    together = {label: LabelCount(given=given, dropped=out) for label, (given, out) in labelled.counted(gone).items()}
    return _Measured(of_steps, together)


def _as_json(counts: Mapping[str, LabelCount]) -> dict[str, Any]:
    return {label: count.model_dump() for label, count in counts.items()}


def _clusters(counts: Mapping[str, int]) -> dict[int, int]:
    """Number of clusters by their size, where a step counts "cluster of 3"."""
    return {int(found[1]): count for name, count in counts.items() if (found := _CLUSTER.fullmatch(name))}


def _unused() -> Iterator[None]:
    yield
