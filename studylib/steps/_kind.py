"""What a kind of steps offers to those who plan them and carry them out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from studylib.spec import ModelSpec, Step
from studylib.spec.record import StepRecord

DEFAULT_TRAIN = "studylib.train:train"


@dataclass(frozen=True)
class Context:
    """Where and how a step is carried out.

    Attributes
    ----------
    out
        Study folder.
    threads
        CPU threads that it may use.
    train
        ``module:function`` that trains one trial.
    say
        Called with a line of text as parts of a step begin.
    on_metrics
        Called with each record of a trial's metrics.
    """

    out: Path
    threads: int = 1
    train: str = DEFAULT_TRAIN
    say: Callable[[str], None] = lambda line: None
    on_metrics: Callable[[dict[str, Any]], None] | None = None


class Kind:
    """Base of the kinds; planning asks for costs, so no file of this folder loads torch before `carry_out`.

    Attributes
    ----------
    specification
        The class of its steps, which reads them from JSON.
    record
        What the marker holds.
    marker
        The file that is written last: with it, the step is done.
    checked
        Whether a finished one is carried out again, in a moment, before what reads it: to see that it is still what it was.
    keeps_failures
        Whether a failure stays on record, so that the step is not tried again unasked. Not where the reason lies outside the
        step: a missing file, a full disk.
    leaves_text
        Whether what lies beside the marker is text or quotes it: text, shards, tokenizers, what a model wrote.
    quotes
        Fields of the record that quote text, dotted, the parts of a list by name alone; published without them.
    rows
        A parquet file beside the marker that is published too: its numbers, and of its strings the columns ``row_names``.
    curves
        A file beside the marker, a JSON record of numbers a line, that is published too.
    """

    specification: ClassVar[type]
    record: ClassVar[type[StepRecord]] = StepRecord
    marker: ClassVar[str] = "result.json"
    checked: ClassVar[bool] = False
    keeps_failures: ClassVar[bool] = True
    leaves_text: ClassVar[bool] = False
    quotes: ClassVar[tuple[str, ...]] = ()
    rows: ClassVar[str] = ""
    row_names: ClassVar[tuple[str, ...]] = ()
    curves: ClassVar[str] = ""

    def work(self, step: Step) -> Sequence[tuple[ModelSpec, float]]:
        """The models that it trains or times, and the floating-point operations of the step itself on each."""
        return ()

    def seconds(self, step: Step) -> float:
        """A guess at how long it takes beside its FLOPs."""
        return 0.0

    def memory_bytes(self, step: Step) -> int:
        """Memory it needs beside what any process takes."""
        return 0

    def holds(self, step: Step, folder: Path) -> bool:
        """Whether beside the marker lies what others read of a finished step.

        One that was to keep less, as nobody read it then, is carried out again for those that do.
        """
        return True

    def work_folder(self, folder: Path) -> Path:
        """Where the log, the lock and a failure lie."""
        return folder

    def carry_out(self, step: Step, folder: Path, context: Context) -> None:
        """Do it, here and now; the marker comes last."""
        raise NotImplementedError
