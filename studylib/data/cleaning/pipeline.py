"""From a source and steps to a folder of cleaned text with its record."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from studylib.data.clean import Arrays
from studylib.data.cleaning.check import check_steps
from studylib.data.cleaning.folder import MARKER, VERSION, CleanedFolder, shards_in
from studylib.data.cleaning.record import record_of_cleaning
from studylib.data.cleaning.stage import Stage, Survey
from studylib.data.cleaning.take_in import TakeIn, Taken
from studylib.data.cleaning.tasks import Execution, run_tasks
from studylib.data.digest import FileDigests
from studylib.data.guard.known import known_digests
from studylib.data.source import Source
from studylib.errors import StudyError, invalid
from studylib.files import content_hash, read_json, write_json
from studylib.spec import CleanerSpec

BLOCK_BYTES = 16_000_000
WORK = ".work"


@dataclass(frozen=True)
class Cleaning:
    """One text to be cleaned.

    Attributes
    ----------
    label
        Names it in messages.
    source, steps
        What is cleaned, and how.
    home
        The folder of the outcome; what is half done lies in it too, under ``.work``.
    head
        What the record begins with: fields of `StepRecord`.
    alone
        Whether to measure what each step would drop of the raw text, were it the only one.
    """

    label: str
    source: Source
    steps: Sequence[CleanerSpec]
    home: Path
    head: Mapping[str, Any]
    alone: bool = True
    block_bytes: int = BLOCK_BYTES
    execution: Execution = field(default_factory=Execution)
    say: Callable[[str], None] = lambda line: None

    def check(self) -> None:
        """Raise StudyError about what can be known beforehand: files, options, lists that steps need."""
        self.source.check()
        check_steps(self.label, self.steps)
        self.execution.check()

    def run(self, digests: FileDigests) -> CleanedFolder:
        """Clean, or go on with it, or take what is there if it is of the same text; the caller holds the folder's lock.

        Memory does not grow with the text, but for what surveys gather; and it does not matter for the outcome how many
        workers there were and how often they were killed.

        Raises
        ------
        StudyError
            Bad text or steps, no text left, or a file was changed while it was read.
        """
        inputs = self.source.inputs(digests)
        identity = self._identity(inputs)
        if (ready := self._ready(identity)) is not None:
            return ready
        work = self._work(identity)
        if not (work / MARKER).exists():
            write_json(work / MARKER, self._cleaned(work, inputs, digests) | {"identity": identity})
        return self._finish(work)

    def is_other(self, digests: FileDigests) -> bool:
        """Whether the folder holds text that was cleaned otherwise, or from other files."""
        try:
            return read_json(self.home / MARKER)["identity"] != self._identity(self.source.inputs(digests))
        except (OSError, ValueError, KeyError, TypeError):  # nothing there, or damaged: then it is made again
            return False

    def _identity(self, inputs: Mapping[str, str]) -> str:
        """Equal where the outcome must be equal, and what is half done can be used."""
        steps = [one.model_dump(mode="json") for one in self.steps]
        content = {"source": self.source.identity(), "steps": steps, "inputs": dict(inputs), "known": known_digests()}
        return content_hash(content | {"alone": self.alone, "block_bytes": self.block_bytes, "version": VERSION})

    def _ready(self, identity: str) -> CleanedFolder | None:
        if not (self.home / MARKER).is_file():
            return None
        try:
            ready = CleanedFolder(self.home)
        except StudyError as error:
            self.say(f"{error}; cleaning {self.label} again")
            return None
        return ready if ready.identity == identity else None

    def _work(self, identity: str) -> Path:
        """The folder of what is half done; emptied if that is of another text."""
        work, mark = self.home / WORK, self.home / WORK / "identity.json"
        try:
            is_ours = read_json(mark) == identity
        except (OSError, ValueError):
            is_ours = False
        if not is_ours:
            (self.home / MARKER).unlink(missing_ok=True)
            for stale in shards_in(self.home):
                stale.unlink()
            shutil.rmtree(work, ignore_errors=True)
            write_json(mark, identity)
        return work

    def _cleaned(self, work: Path, inputs: Mapping[str, str], digests: FileDigests) -> dict[str, Any]:
        taken = self._taken(work)
        if self.source.inputs(digests) != inputs:
            raise invalid("data.sources", self.label, "was changed while it was read; run again")
        stages, seconds = _Stages(self, work, taken), {}
        for number, steps in enumerate(stages.cut):
            if number:
                seconds[steps[0]] = stages.survey(number)
            if steps:
                stages.apply(number)
        return record_of_cleaning(self, taken, work, stages.folders, seconds) | {"inputs": dict(inputs)}

    def _taken(self, work: Path) -> Taken:
        parts, folder = self.source.parts(), work / "raw"
        task = TakeIn(parts, folder, self.block_bytes)
        run_tasks(f"{self.label}: reading", task, len(parts), work / "tasks" / "raw", self.execution, self.say)
        taken = Taken.of(folder, {} if parts[0] is self.source else self.source.notes())
        if not taken.blocks:
            raise invalid("data.sources", self.label, "has no text")
        return taken

    def _finish(self, work: Path) -> CleanedFolder:
        """Move the shards out of the folder of what is half done; the record comes last."""
        record = read_json(work / MARKER)
        for name in record["files"]:
            for made in work.glob(f"stage-*/{name}"):
                made.replace(self.home / name)
        write_json(self.home / MARKER, record)
        shutil.rmtree(work)
        return CleanedFolder(self.home)


class _Stages:
    """The steps cut at those that survey, and the files between."""

    def __init__(self, cleaning: Cleaning, work: Path, taken: Taken):
        self._cleaning, self._work, self._taken = cleaning, work, taken
        self._surveys = [step.built().surveys for step in cleaning.steps]
        self.cut = _cut(self._surveys)
        self.folders: dict[int, Path] = {}
        self._blocks, self._counts = taken.blocks, taken.counts
        self._raw_firsts = _firsts(taken.counts)
        self._conclusions: dict[int, Path] = {}
        self._alone: dict[int, Path] = {}

    def survey(self, number: int) -> float:
        """Ask the first step of a stage to survey, and conclude; returns the seconds that it took."""
        place = self.cut[number][0]
        began = self._blocks is self._taken.blocks
        folder, seconds = self._surveyed(place, self._blocks, _firsts(self._counts), f"survey-{place}")
        self._conclusions[place] = folder
        if self._cleaning.alone and number == 1:
            for other, surveys in enumerate(self._surveys):
                if surveys:
                    same = other == place and began
                    self._alone[other] = (
                        folder
                        if same
                        else self._surveyed(other, self._taken.blocks, self._raw_firsts, f"survey-{other}-alone")[0]
                    )
        return seconds

    def _surveyed(self, place: int, blocks: Sequence[Path], firsts: Sequence[int], name: str) -> tuple[Path, float]:
        step, folder = self._cleaning.steps[place], self._work / name
        conclusion = folder / "conclusion"
        if not conclusion.exists():
            self._run(f"{step.cleaner}: surveying", Survey(step, blocks, firsts, folder), name)
            began = time.process_time()
            found = step.built().conclude(_surveys(folder, len(blocks)))
            _write_arrays(conclusion, found)
            write_json(folder / "seconds.json", time.process_time() - began)
            for one in folder.glob("*.npz"):
                one.unlink()
        parts = [read_json(folder / f"{task:05d}.json")["seconds"] for task in range(len(blocks))]
        return conclusion, sum(parts) + _seconds(folder)

    def apply(self, number: int) -> None:
        """Apply the steps of a stage to what the one before has left."""
        steps, folder = self.cut[number], self._work / f"stage-{number}"
        alone: dict[int, Path | None] = {}
        if self._cleaning.alone and not self.folders:
            alone |= {place: None for place, surveys in enumerate(self._surveys) if not surveys}
        if number == 1 or (number == 0 and not self._surveys):
            alone |= self._alone
        stage = Stage(
            cleaning=self._cleaning.steps, steps=steps, blocks=self._blocks, firsts=_firsts(self._counts),
            conclusions={place: self._conclusions[place] for place in steps if self._surveys[place]}, folder=folder,
            raw=self._taken.blocks, raw_firsts=self._raw_firsts, alone=alone,
            labelled=any(one["labelled"] for one in self._taken.counts), last=number == len(self.cut) - 1,
        )  # fmt: skip
        names = ", ".join(self._cleaning.steps[place].cleaner for place in steps)
        self._run(names, stage, folder.name)
        before, self.folders[number] = self._blocks, folder
        self._blocks = [folder / f"{task:05d}.parquet" for task in range(len(before))]
        self._counts = [
            {"documents": _counted(one)["documents"]} for one in self._blocks
        ]  # little of each, there are many
        if before is not self._taken.blocks:  # room for the next
            for one in before:
                one.unlink(missing_ok=True)
        if not any(one["documents"] for one in self._counts):
            raise self._nothing_left(steps, [_counted(one) for one in self._blocks])

    def _run(self, name: str, task: Callable[[int], None], marks: str) -> None:
        run_tasks(
            f"{self._cleaning.label}: {name}", task, len(self._taken.blocks), self._work / "tasks" / marks,
            self._cleaning.execution, self._cleaning.say,
        )  # fmt: skip

    def _nothing_left(self, steps: Sequence[int], counts: Sequence[Mapping[str, Any]]) -> StudyError:
        for place in steps:
            tallies = [one["steps"][str(place)] for one in counts]
            given, dropped = (sum(one["amounts"][name][0] for one in tallies) for name in ("given", "dropped"))
            if given == dropped:
                reasons = sorted({reason for one in tallies for reason in one["reasons"]})
                name = self._cleaning.steps[place].cleaner
                why = f"step {name} dropped all {given} documents that it was given ({', '.join(reasons)})"
                return invalid("data.sources", self._cleaning.label, f"has no text left after its cleaning: {why}")
        raise AssertionError("some text is left after every step")


def _cut(surveys: Sequence[bool]) -> list[list[int]]:
    """Places of the steps of each stage: a new one begins at each step that surveys."""
    cut: list[list[int]] = [[]]
    for place, begins in enumerate(surveys):
        if begins:
            cut.append([])
        cut[-1].append(place)
    return cut


def _counted(block: Path) -> dict[str, Any]:
    """What the task that wrote a block has counted."""
    return read_json(block.with_suffix(".json"))


def _firsts(counts: Sequence[Mapping[str, Any]]) -> list[int]:
    """The number of each block's first document among all."""
    return list(accumulate((one["documents"] for one in counts[:-1]), initial=0))


def _surveys(folder: Path, blocks: int) -> Iterator[Arrays]:
    """What a cleaner answered of each batch, in the order of the text."""
    for task in range(blocks):
        with np.load(folder / f"{task:05d}.npz") as arrays:
            numbers = sorted({name.partition(".")[0] for name in arrays.files})
            for number in numbers:
                own = [name for name in arrays.files if name.startswith(f"{number}.")]
                yield {name.partition(".")[2]: arrays[name] for name in own}


def _write_arrays(folder: Path, arrays: Arrays) -> None:
    """A folder of arrays, which appears whole."""
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".conclusion-"))
    for name, array in arrays.items():
        np.save(scratch / f"{name}.npy", np.asarray(array))
    scratch.replace(folder)


def _seconds(folder: Path) -> float:
    try:
        return read_json(folder / "seconds.json")
    except OSError:  # killed between the conclusion and this
        return 0.0
