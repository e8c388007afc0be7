"""Reading a source once, through the gate, into numbered blocks. A killed run goes on behind the last whole one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from studylib.data.cleaning.blocks import TRUTH, Rows, written_block
from studylib.data.guard import Guard
from studylib.data.source import Source
from studylib.data.text import batches
from studylib.files import read_json, write_json


@dataclass(frozen=True)
class TakeIn:
    """Task ``n`` reads part ``n`` of a source (a file of many, or all of it) into ``folder``.

    Beside each block lies what was counted: documents read, admitted, and left out by the gate.
    """

    parts: Sequence[Source]
    folder: Path
    block_bytes: int

    def __call__(self, task: int) -> None:
        source, guard, number, behind = self.parts[task], Guard(), 0, 0
        while (done := self._file(task, number, "json")).exists():
            behind += read_json(done)["read"]
            number += 1
        documents = source.documents()
        for some in batches(islice(documents, behind)):
            guard.pass_over(some)
        waiting = batches(documents)
        while self._block(guard, waiting, task, number):
            number += 1
        write_json(self.folder / f"{task:05d}.part.json", {"notes": source.notes()})

    def _file(self, task: int, number: int, kind: str) -> Path:
        return self.folder / f"{task:05d}-{number:05d}.{kind}"

    def _block(self, guard: Guard, waiting: Any, task: int, number: int) -> bool:
        """Write the next block; False when there was no more text."""
        first = next(waiting, None)
        if first is None:
            return False
        before, read, size, place, labelled = guard.record(), 0, 0, 0, False
        sources: Counter[str] = Counter()
        with written_block(self._file(task, number, "parquet")) as block:
            some = first
            while some is not None:
                read += len(some)
                admitted = guard.admit(some)
                size += sum(len(one.utf8()) for one in admitted)
                labelled = labelled or any(key in one.labels for one in admitted for key in TRUTH)
                sources.update(one.labels["from"] for one in admitted if "from" in one.labels)
                block.add(Rows(admitted, list(range(place, place + len(admitted)))))
                place += len(admitted)
                some = next(waiting, None) if size < self.block_bytes else None
        counted = {"read": read, "documents": place, "bytes": size, "labelled": labelled, "sources": dict(sources)}
        write_json(self._file(task, number, "json"), counted | {"guard": _since(before, guard.record())})
        return True


def _since(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    dropped = {reason: count - before["dropped"][reason] for reason, count in after["dropped"].items()}
    return after | {"admitted": after["admitted"] - before["admitted"], "dropped": dropped}


@dataclass(frozen=True)
class Taken:
    """What was taken in: the blocks in the order of the text, and the counts of all."""

    blocks: list[Path]
    counts: list[dict[str, Any]]
    notes: dict[str, int]

    @classmethod
    def of(cls, folder: Path, notes: Mapping[str, int]) -> Taken:
        """What lies in ``folder``; ``notes``: counts of the source that none of its parts has."""
        blocks = sorted(folder.glob("*.parquet"))
        counted: Counter[str] = Counter(notes)
        for part in sorted(folder.glob("*.part.json")):
            counted.update(read_json(part)["notes"])
        return cls(blocks, [read_json(one.with_suffix(".json")) for one in blocks], dict(counted))

    @property
    def documents(self) -> int:
        return sum(one["documents"] for one in self.counts)

    @property
    def bytes(self) -> int:
        return sum(one["bytes"] for one in self.counts)

    def guard(self) -> dict[str, Any]:
        """The record of the gate that all documents passed."""
        whole = Guard().record()
        for one in self.counts:
            whole["admitted"] += one["guard"]["admitted"]
            whole["dropped"] = {
                reason: count + one["guard"]["dropped"][reason] for reason, count in whole["dropped"].items()
            }
        return whole
