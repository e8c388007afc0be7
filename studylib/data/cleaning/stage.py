"""What tasks do with a block: a step surveys it, or steps are applied to it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from studylib.data.clean import Batch
from studylib.data.cleaning.blocks import read_block, written_block
from studylib.data.cleaning.chain import Chain
from studylib.files import write_bytes, write_json
from studylib.spec import CleanerSpec


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
                work.measure(rows, first)
                first += len(rows)
        counted = {
            "documents": kept,
            "bytes": size,
            "steps": {str(place): one.as_json() for place, one in work.in_order.items()},
            "alone": {str(place): one.as_json() for place, one in work.alone.items()},
        }
        write_json(self.folder / f"{task:05d}.json", counted)


def load_arrays(folder: Path) -> dict[str, np.ndarray]:
    """A conclusion, mapped into memory: all tasks of a machine share it."""
    return {file.stem: np.load(file, mmap_mode="r") for file in sorted(folder.glob("*.npy"))}
