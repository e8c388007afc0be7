"""`run_trials`: from specifications to a table of results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studylib.errors import invalid
from studylib.registry import LAUNCHERS
from studylib.spec import TrialSpec
from studylib.trials.cache import Trial, trials_under
from studylib.trials.display import default_listeners
from studylib.trials.generations import generations, lost
from studylib.trials.launcher import Setting
from studylib.trials.outcome import Outcome
from studylib.trials.progress import Listener, Tracker
from studylib.trials.worker import DEFAULT_TRAIN

if TYPE_CHECKING:
    import polars


def run_trials(
    specs: Iterable[TrialSpec],
    out: Path | str,
    *,
    workers: int | None = None,
    timeout: float | None = None,
    launcher: str = "local",
    launcher_options: dict[str, Any] | None = None,
    retry_failed: bool = False,
    progress: Listener | Sequence[Listener] | None = None,
    train: str = DEFAULT_TRAIN,
) -> polars.DataFrame:
    """Train what is not trained yet and return one row a specification.

    Parameters
    ----------
    specs
        What to train; a specification given twice (with other tags) is trained once and has two rows. A trial that goes
        on from another (``start_from``, ``branch_from``) is trained after that one, whatever the order here.
    out
        Study folder; trials are kept in ``out/trials/<hash>`` and prepared text in ``out/data``.
    workers
        Trials at a time; left out: one a core, or one a GPU.
    timeout
        Seconds a trial may take before it is ended and recorded as ``timeout``.
    launcher, launcher_options
        ``local``, ``inprocess``, ``torchrun`` or ``slurm``; the options are for Slurm (partition, account, ...).
    retry_failed
        Also run again the trials whose failure is on record.
    progress
        Called with each event (see ``progress.py``); left out: a live display on a terminal, plain lines elsewhere.
    train
        ``module:function`` that trains one trial.

    Returns
    -------
    polars.DataFrame
        See `trials_frame`. A trial that diverges, crashes, is out of memory or too slow has its ``status`` and
        ``message`` there; the others go on.

    Raises
    ------
    StudyError
        Something given is not valid, or the text cannot be prepared; nothing was started then.
    """
    out, specs = Path(out), list(specs)
    check_settings(workers, timeout, launcher)
    trials = trials_under(out, specs)
    to_do, cached = still_to_do(trials, retry_failed=retry_failed)
    listeners = default_listeners() if progress is None else [progress] if callable(progress) else list(progress)
    tracker = Tracker(trials, listeners)
    data_folder = out / "data"
    if to_do and train == DEFAULT_TRAIN:
        prepare_data(to_do, data_folder, tracker.preparing)
    setting = Setting(out, data_folder, len(trials), workers, timeout, retry_failed, train, launcher_options or {})
    tracker.begin(cached)
    try:
        for generation in generations(to_do):
            if ready := without_lost(generation, tracker):
                LAUNCHERS[launcher]().run(ready, setting, tracker)
    finally:
        tracker.end()
    from studylib.trials.frame import trials_frame

    return trials_frame(specs, out)


def check_settings(workers: int | None, timeout: float | None, launcher: str) -> None:
    LAUNCHERS.check(launcher)
    if workers is not None and workers < 1:
        raise invalid("workers", workers, "must be at least 1")
    if timeout is not None and timeout <= 0:
        raise invalid("timeout", timeout, "must be more than 0 seconds")


def still_to_do(trials: Sequence[Trial], *, retry_failed: bool) -> tuple[list[Trial], dict[str, Outcome]]:
    """The trials that have to be run, and the outcomes on record of the others."""
    to_do, cached = [], {}
    for trial in trials:
        if trial.result() is not None:
            cached[trial.hash] = Outcome("done")
        elif (failure := trial.failure()) is not None and not retry_failed:
            cached[trial.hash] = Outcome(failure["status"], failure["message"])
        else:
            to_do.append(trial)
    return to_do, cached


def without_lost(trials: Sequence[Trial], tracker: Tracker) -> list[Trial]:
    """The trials whose parents did not fail; the others are recorded as failed."""
    ready = []
    for trial in trials:
        if (outcome := lost(trial)) is None:
            ready.append(trial)
            continue
        trial.record_failure(outcome, 0.0)
        tracker.finished(trial, outcome, 0.0)
    return ready


def prepare_data(trials: Sequence[Trial], data_folder: Path, say: Callable[[str], None]) -> None:
    """Make tokenizers and token shards first: a mistake there shows at once, and no trial's clock runs meanwhile."""
    from studylib.data import prepare

    for data in {trial.spec.data.hash: trial.spec.data for trial in trials}.values():
        prepare(data, data_folder, progress=say)
