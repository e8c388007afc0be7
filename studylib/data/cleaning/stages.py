"""The steps of a cleaning cut into stages, one carried out after the other, with the files between them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from studylib.data.clean import Arrays
from studylib.data.cleaning.stage import Stage, Survey
from studylib.data.cleaning.take_in import Taken
from studylib.data.cleaning.tasks import run_tasks
from studylib.errors import StudyError, invalid
from studylib.files import read_json, write_json

if TYPE_CHECKING:
    from studylib.data.cleaning.pipeline import Cleaning


class Stages:
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
