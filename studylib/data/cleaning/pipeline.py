"""From a source and steps to a folder of cleaned text with its record."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studylib.data.cleaning.check import check_steps
from studylib.data.cleaning.folder import MARKER, VERSION, CleanedFolder, shards_in
from studylib.data.cleaning.record import record_of_cleaning
from studylib.data.cleaning.stages import Stages
from studylib.data.cleaning.take_in import TakeIn, Taken
from studylib.data.cleaning.tasks import Execution, run_tasks
from studylib.data.digest import FileDigests
from studylib.data.guard import dropped_in_words
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
        inputs = self._inputs(digests)
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
            return read_json(self.home / MARKER)["identity"] != self._identity(self._inputs(digests))
        except (OSError, ValueError, KeyError, TypeError):  # nothing there, or damaged: then it is made again
            return False

    def _inputs(self, digests: FileDigests) -> dict[str, str]:
        """Digests of the files that the text is in, and of those that steps read."""
        read = self.source.inputs(digests)
        for step in self.steps:
            read |= step.built().inputs(digests)
        return read

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
        self._check_unchanged(inputs, digests)
        stages, seconds = Stages(self, work, taken), {}
        for number, steps in enumerate(stages.cut):
            if number:
                seconds[steps[0]] = stages.survey(number)
            if steps:
                stages.apply(number)
        self._check_unchanged(inputs, digests)
        return record_of_cleaning(self, taken, work, stages.folders, seconds) | {"inputs": dict(inputs)}

    def _check_unchanged(self, inputs: Mapping[str, str], digests: FileDigests) -> None:
        if self._inputs(digests) != inputs:
            raise invalid(
                "data.sources", self.label, "was changed while it was read, or a file of its steps; run again"
            )

    def _taken(self, work: Path) -> Taken:
        parts, folder = self.source.parts(), work / "raw"
        task = TakeIn(parts, folder, self.block_bytes)
        run_tasks(f"{self.label}: reading", task, len(parts), work / "tasks" / "raw", self.execution, self.say)
        taken = Taken.of(folder, {} if parts[0] is self.source else self.source.notes())
        if not taken.documents:
            dropped = dropped_in_words(taken.guard())
            raise invalid("data.sources", self.label, f"has no text to clean: {dropped}" if dropped else "has no text")
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
