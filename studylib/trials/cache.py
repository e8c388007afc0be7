"""A step and its folder: what was already done there, told by files alone.

``DIR/trials/<hash>/`` holds ``spec.json``, ``metrics.jsonl``, ``log.txt``, ``checkpoints/`` and, at the end, either the marker
``result.json`` or ``failure.json``. Both are written atomically, so a step is done, failed, or still to do; there is no index
that could disagree. ``.lock`` is held by whoever carries the step out and let go by the kernel if that one dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal, TypeVar

from studylib.errors import StudyError
from studylib.files import file_lock, read_json, write_json
from studylib.registry import STEPS
from studylib.spec import Step, validated
from studylib.spec.record import FailureRecord, Record, StepRecord
from studylib.steps._kind import Kind
from studylib.trials.outcome import Outcome

Kept = TypeVar("Kept", bound=Record)
State = Literal["done", "failed", "running", "to do"]
SPECIFICATION = "spec.json"


@dataclass(frozen=True)
class Task:
    """A step and the folder where it is or will be carried out."""

    step: Step
    folder: Path
    kind: Kind

    @classmethod
    def under(cls, out: Path, step: Step) -> Task:
        return cls(step, Path(out) / step.name, STEPS[step.kind])

    @cached_property
    def name(self) -> str:
        return self.step.name

    @cached_property
    def hash(self) -> str:
        return self.folder.name

    @cached_property
    def flops(self) -> float:
        """Floating-point operations of the step itself."""
        return sum(flops for _, flops in self.kind.work(self.step))

    @cached_property
    def work(self) -> Path:
        """Where the lock, the log and a failure are."""
        return self.kind.work_folder(self.folder)

    @property
    def label(self) -> str:
        return self.step.label

    @property
    def exclusive(self) -> bool:
        """Whether nothing may run beside it on this machine."""
        return self.step.alone or self.step.processes > 1

    def result(self) -> StepRecord | None:
        """The marker, of the type ``kind.record``; a damaged one is moved aside with a warning and counts as not done."""
        return _read(self.folder / self.kind.marker, self.kind.record, lambda record: record.hash == self.hash)

    def made(self) -> StepRecord:
        """`result`, which must be there.

        Raises
        ------
        StudyError
            The step failed, with its reason, or was not carried out.
        """
        if (result := self.result()) is not None:
            return result
        failure = self.failure()
        raise StudyError(f"{self.name} ({self.label}): {failure.message if failure else 'was not carried out'}")

    def result_here(self) -> StepRecord | None:
        """`result`, unless it was restored from published records, so that what lies beside it is missing."""
        found = self.result()
        return None if found is None or found.restored else found

    @property
    def readable(self) -> bool:
        """Whether it is done and what others read of it is there."""
        return self.result_here() is not None and self.kind.holds(self.step, self.folder)

    def failure(self) -> FailureRecord | None:
        return _read(self.work / "failure.json", FailureRecord)

    @property
    def state(self) -> State:
        if self.result() is not None:
            return "done"
        if self.failure() is not None:
            return "failed"
        return "running" if self.locked() else "to do"

    def keeping(self, step: Step) -> Task:
        """Itself, or where ``step``, which is equal, is to keep more of itself, such a task that keeps it too."""
        both = self.step.keeping(step)
        return self if both is self.step else replace(self, step=both)

    def lock(self) -> contextlib.AbstractContextManager[bool]:
        """Yields True if the step is now ours, False if someone else carries it out."""
        return file_lock(self.work / ".lock", blocking=False)

    def locked(self) -> bool:
        """Whether someone carries it out now. Asked with a shared lock, so that asking disturbs nobody for long."""
        try:
            with open(self.work / ".lock", "rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def keep_specification(self) -> None:
        """Write what is carried out beside its log, so that its record can be told from files alone."""
        if not (self.work / SPECIFICATION).exists():
            write_json(self.work / SPECIFICATION, self.step.model_dump(mode="json"))

    def clear_failure(self) -> None:
        (self.work / "failure.json").unlink(missing_ok=True)

    def record_failure(self, outcome: Outcome, seconds: float) -> None:
        """Keep on record why it failed, where that is this kind's way."""
        if not self.kind.keeps_failures:
            return
        record = FailureRecord(
            status=outcome.status, message=outcome.message, seconds=round(seconds, 3), at=time.time()
        )
        write_json(self.work / "failure.json", record.model_dump(mode="json"))


def read_record(kind: type[Kept], path: Path) -> Kept:
    """A record's file, read once a process for every state of it (size, times, inode): plans and notebooks ask again and again.

    Raises
    ------
    FileNotFoundError
        There is none.
    ValueError, StudyError
        It is damaged.
    """
    stat = path.stat()
    return _record(kind, str(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


@lru_cache(maxsize=8192)
def _record(kind: type[Kept], path: str, *state: int) -> Kept:
    return validated(kind, read_json(Path(path)))


def _read(path: Path, kind: type[Kept], sound: Callable[[Kept], bool] = lambda record: True) -> Kept | None:
    try:
        record = read_record(kind, path)
        if sound(record):
            return record
        problem = "it is of another step"
    except FileNotFoundError:
        return None
    except (ValueError, StudyError) as error:
        problem = str(error)
    aside = path.with_name(path.name + ".corrupt")
    with contextlib.suppress(FileNotFoundError):  # another reader was faster
        path.replace(aside)
    warnings.warn(f"{path} is damaged ({problem}); moved to {aside.name}, the step counts as not done", stacklevel=3)
    return None


def tasks_under(out: Path, steps: Iterable[Step]) -> list[Task]:
    """One task per different step, in the order given; what a step holds itself comes before it.

    Checkpoints that any of several equal trials is to keep are kept.
    """
    found: dict[str, Task] = {}

    def add(step: Step) -> None:
        if step.name in found:
            found[step.name] = found[step.name].keeping(step)
            return
        for one in step.inputs:
            add(one)
        found[step.name] = Task.under(out, step)

    for step in steps:
        add(step)
    return list(found.values())
