"""Where trials run: one file a launcher. A choice is a class derived from ``Launcher``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studylib.trials.cache import Trial
from studylib.trials.progress import Tracker
from studylib.trials.worker import DEFAULT_TRAIN


@dataclass(frozen=True)
class Setting:
    """How to run, as the caller of `run_trials` said it.

    ``trials_given`` counts all trials asked for, cached ones included: layouts follow it, so that resuming a study
    gives each trial the number of threads it would have had.
    """

    out: Path
    data_folder: Path
    trials_given: int = 1
    workers: int | None = None
    timeout: float | None = None
    retry_failed: bool = False
    train: str = DEFAULT_TRAIN
    options: dict[str, Any] = field(default_factory=dict)


class Launcher(ABC):
    """Carries out trials somewhere."""

    @abstractmethod
    def run(self, trials: Sequence[Trial], setting: Setting, tracker: Tracker) -> None:
        """Carry out the trials: afterwards each has a ``result.json`` or a ``failure.json``."""

    @abstractmethod
    def show(self, trials: Sequence[Trial], setting: Setting) -> str:
        """What `run` would start, for people."""
