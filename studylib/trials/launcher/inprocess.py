"""One trial after another in this very process: a debugger and Jupyter's ``%debug`` reach into it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence

from studylib.trials.cache import Trial
from studylib.trials.launcher import Launcher, Setting
from studylib.trials.outcome import Outcome
from studylib.trials.progress import Tracker
from studylib.trials.worker import carry_out, load_train

__all__ = ["InProcess"]


class InProcess(Launcher):
    """Failures are recorded as by the other launchers, but a trial that kills its process kills this one."""

    def run(self, trials: Sequence[Trial], setting: Setting, tracker: Tracker) -> None:
        if setting.timeout:
            warnings.warn("launcher 'inprocess' cannot stop a trial: trial_timeout_s is ignored", stacklevel=2)
        train = load_train(setting.train)
        for trial in trials:
            with trial.lock() as ours:
                if not ours:
                    raise RuntimeError(f"trial {trial.hash} is being run by another process on the same folder")
                trial.clear_failure()
                tracker.started(trial)
                began = time.monotonic()

                def on_metrics(record: dict, trial: Trial = trial) -> None:
                    tracker.metrics(trial, record)

                outcome = carry_out(train, trial.spec, trial.folder, setting.data_folder, on_metrics)
                if not outcome.failed and trial.result() is None:
                    outcome = Outcome("crashed", "the trainer ended without writing a valid result.json")
                seconds = time.monotonic() - began
                if outcome.failed:
                    trial.record_failure(outcome, seconds)
            tracker.finished(trial, outcome, seconds)

    def show(self, trials: Sequence[Trial], setting: Setting) -> str:
        return f"{len(trials)} trials one after another in this process"
