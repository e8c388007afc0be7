"""Where steps are carried out: one file a launcher. A choice is a class derived from ``Launcher``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studylib.steps._kind import DEFAULT_TRAIN
from studylib.trials.cache import Task
from studylib.trials.progress import Tracker
from studylib.trials.queue import Queue


@dataclass(frozen=True)
class Setting:
    """How to run, as the caller of `run_steps` said it.

    ``asked`` counts all steps asked for, finished ones included, but those that must be alone: layouts follow it, so that
    resuming a study gives each trial the number of threads it would have had.
    """

    out: Path
    asked: int = 1
    workers: int | None = None
    timeout: float | None = None
    retry_failed: bool = False
    train: str = DEFAULT_TRAIN
    options: dict[str, Any] = field(default_factory=dict)


class Launcher(ABC):
    """Carries out steps somewhere."""

    @abstractmethod
    def run(self, queue: Queue, setting: Setting, tracker: Tracker) -> None:
        """Carry out the queue to its end: afterwards each step is done, or its failure is on record."""

    @abstractmethod
    def show(self, tasks: Sequence[Task], setting: Setting) -> str:
        """What `run` would start, for people."""
