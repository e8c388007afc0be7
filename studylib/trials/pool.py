"""The scheduler: hands trials to slots, longest first, and writes down how each ended.

One thread waits on every process at once. Children are only ever started from the thread that waits, and each trial's
lock is held here while it runs.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from studylib.trials.cache import Trial
from studylib.trials.outcome import Outcome
from studylib.trials.progress import Tracker
from studylib.trials.slots import Slot

_TICK = 0.25  # seconds between looks at deadlines, and at trials that another runner holds
_OTHERS_EVERY = 0.5


@dataclass
class _Held:
    trial: Trial
    lock: contextlib.ExitStack
    started: float


def run_in_slots(
    trials: Sequence[Trial],
    slots: Sequence[Slot],
    tracker: Tracker,
    *,
    timeout: float | None = None,
    retry_failed: bool = False,
) -> None:
    """Run the trials; returns when each is done or its failure is recorded.

    A trial that another runner holds is left to it and its result taken over. On any exception, also Ctrl-C, every
    process is ended first; trials cut off keep their checkpoints and are to do again.
    """
    waiting = deque(sorted(trials, key=lambda trial: -trial.flops))
    elsewhere: list[Trial] = []
    held: dict[Slot, _Held] = {}
    looked = time.monotonic()
    try:
        while waiting or elsewhere or held:
            for slot in slots:
                if slot.trial is None and waiting:
                    _give_next(slot, waiting, elsewhere, held, tracker, retry_failed)
            if elsewhere and not waiting and time.monotonic() - looked > _OTHERS_EVERY:
                looked = time.monotonic()
                waiting.extend(elsewhere)  # asked again; those still locked come back
                elsewhere.clear()
                retry_failed = False  # what the other runner saw fail is not tried once more
                continue
            _wait(slots)
            for slot in slots:
                outcome = slot.step()
                if slot.trial is None:
                    continue
                if outcome is None and timeout and slot.began is not None and time.monotonic() - slot.began > timeout:
                    slot.stop()
                    outcome = Outcome("timeout", f"took longer than the limit of {timeout:g} s")
                if outcome is not None:
                    _finish(slot, held.pop(slot), outcome, tracker)
    finally:
        for slot in slots:
            slot.close()
        for one in held.values():
            one.lock.close()


def _give_next(
    slot: Slot,
    waiting: deque[Trial],
    elsewhere: list[Trial],
    held: dict[Slot, _Held],
    tracker: Tracker,
    retry_failed: bool,
) -> None:
    while waiting:
        trial = waiting.popleft()
        lock = contextlib.ExitStack()
        if not lock.enter_context(trial.lock()):
            elsewhere.append(trial)
            continue
        # Looked up again now that it is ours: another runner may have finished it meanwhile.
        failure = trial.failure()
        if trial.result() is not None or (failure is not None and not retry_failed):
            lock.close()
            tracker.finished(
                trial, Outcome("done") if failure is None else Outcome(failure["status"], failure["message"]), 0.0
            )
            continue
        try:
            trial.clear_failure()
            tracker.started(trial)
            slot.start(trial, lambda record, trial=trial: tracker.metrics(trial, record))
        except BaseException:
            lock.close()
            raise
        held[slot] = _Held(trial, lock, time.monotonic())
        return


def _finish(slot: Slot, held: _Held, outcome: Outcome, tracker: Tracker) -> None:
    trial = held.trial
    seconds = time.monotonic() - (slot.began or held.started)
    if not outcome.failed and trial.result() is None:
        outcome = Outcome("crashed", "the trainer ended without writing a valid result.json")
    if outcome.failed:
        trial.record_failure(outcome, seconds)
    slot.free()
    held.lock.close()
    tracker.finished(trial, outcome, seconds)


def _wait(slots: Sequence[Slot]) -> None:
    """Until a process said something or a tick has passed."""
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as opened:
        for slot in slots:
            for descriptor in slot.descriptors():
                selector.register(descriptor, selectors.EVENT_READ)
            if (pid := slot.pid) is not None and hasattr(os, "pidfd_open"):
                with contextlib.suppress(OSError):  # just ended: the tick will do
                    descriptor = os.pidfd_open(pid)
                    opened.callback(os.close, descriptor)
                    selector.register(descriptor, selectors.EVENT_READ)
        selector.select(_TICK)
