"""The scheduler: hands steps to slots as soon as their inputs are there, and writes down how each ended.

One thread waits on every process at once. Children are only ever started from the thread that waits, and each step's
lock is held here while it runs.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import time
from collections.abc import Sequence
from dataclasses import dataclass

from studylib.trials.cache import Task
from studylib.trials.outcome import Outcome
from studylib.trials.progress import Tracker
from studylib.trials.queue import Queue
from studylib.trials.slots import Slot

_TICK = 0.25  # seconds between looks at deadlines, and at steps that another runner holds
_OTHERS_EVERY = 0.5


@dataclass
class _Held:
    task: Task
    lock: contextlib.ExitStack
    started: float


class Pool:
    """Carries out what is in the queue; `run` returns when each step is done or its failure is recorded.

    A step that another runner holds is left to it and its outcome taken over. On any exception, also Ctrl-C, every
    process is ended first; steps cut off keep their checkpoints and are to do again.
    """

    def __init__(
        self, queue: Queue, slots: Sequence[Slot], tracker: Tracker, *, timeout: float | None = None,
        retry_failed: bool = False,
    ):  # fmt: skip
        self._queue, self._slots, self._tracker = queue, slots, tracker
        self._timeout, self._retry_failed = timeout, retry_failed
        self._held: dict[Slot, _Held] = {}
        self._elsewhere: list[Task] = []
        self._looked = time.monotonic()
        self._alone = False  # whether what has to be alone is being carried out

    def run(self) -> None:
        try:
            while self._queue:
                self.tick()
        finally:
            self.close()

    def tick(self) -> None:
        """Begin what can be begun, and wait until something ended or a quarter of a second has passed."""
        self._fill()
        if self._queue:  # else another runner had finished what was left
            self._wait()
        for slot in self._slots:
            self._look_after(slot)

    def close(self) -> None:
        """End every process; what it was at is to do again."""
        for slot in self._slots:
            slot.close()
        for one in self._held.values():
            one.lock.close()

    def _fill(self) -> None:
        """Give every free slot the longest step that fits it.

        What must be alone waits until nothing else is ready, and then all of it comes in a row: each change from the one to the
        other leaves slots idle.
        """
        if self._elsewhere and time.monotonic() - self._looked > _OTHERS_EVERY:
            self._looked = time.monotonic()
            for task in self._elsewhere:  # asked again; those still locked come back
                self._queue.give_back(task)
            self._elsewhere.clear()
            self._retry_failed = False  # what the other runner saw fail is not tried once more
        if any(one.task.exclusive for one in self._held.values()):
            return
        self._alone = self._alone and self._fill_alone()
        if not self._alone:
            for slot in self._slots:
                while slot.task is None and (
                    task := self._queue.take(lambda one, s=slot: s.fits(one) and not one.exclusive)
                ):
                    self._begin(slot, task)
            self._alone = not self._held and self._fill_alone()

    def _fill_alone(self) -> bool:
        """Begin one step that must be alone, with nothing beside it; False if there is none."""
        for slot in self._slots:
            while slot.task is None and (task := self._queue.take(lambda one, s=slot: s.fits(one) and one.exclusive)):
                self._begin(slot, task)
            if slot.task is not None:
                return True
        return False

    def _begin(self, slot: Slot, task: Task) -> None:
        lock = contextlib.ExitStack()
        if not lock.enter_context(task.lock()):
            self._elsewhere.append(task)
            return
        # Looked up again now that it is ours: another runner may have finished it meanwhile.
        failure = task.failure()
        done = task.readable and not task.kind.checked
        if done or (failure is not None and not self._retry_failed):
            lock.close()
            known = Outcome("done") if failure is None else Outcome(failure.status, failure.message)
            self._end(task, known, 0.0)
            return
        try:
            task.clear_failure()
            self._tracker.started(task)
            slot.start(task, lambda record, task=task: self._tracker.metrics(task, record), self._tracker.preparing)
        except BaseException:
            lock.close()
            raise
        self._held[slot] = _Held(task, lock, time.monotonic())

    def _look_after(self, slot: Slot) -> None:
        outcome = slot.step()
        if slot.task is None:
            return
        overdue = self._timeout and slot.began is not None and time.monotonic() - slot.began > self._timeout
        if outcome is None and overdue:
            slot.stop()
            outcome = Outcome("timeout", f"took longer than the limit of {self._timeout:g} s")
        if outcome is None:
            return
        held = self._held.pop(slot)
        seconds = time.monotonic() - (slot.began or held.started)
        if not outcome.failed and held.task.result_here() is None:
            outcome = Outcome("crashed", f"it ended without writing a valid {held.task.kind.marker}")
        if outcome.failed:
            held.task.record_failure(outcome, seconds)
        slot.free()
        held.lock.close()
        self._end(held.task, outcome, seconds)

    def _end(self, task: Task, outcome: Outcome, seconds: float) -> None:
        end_task(self._queue, self._tracker, task, outcome, seconds)

    def _wait(self) -> None:
        """Until a process said something or a tick has passed."""
        with selectors.DefaultSelector() as selector, contextlib.ExitStack() as opened:
            for slot in self._slots:
                for descriptor in slot.descriptors():
                    selector.register(descriptor, selectors.EVENT_READ)
                if (pid := slot.pid) is not None and hasattr(os, "pidfd_open"):
                    with contextlib.suppress(OSError):  # just ended: the tick will do
                        descriptor = os.pidfd_open(pid)
                        opened.callback(os.close, descriptor)
                        selector.register(descriptor, selectors.EVENT_READ)
            selector.select(_TICK)


def end_task(queue: Queue, tracker: Tracker, task: Task, outcome: Outcome, seconds: float) -> None:
    """Tell queue and listeners how a step ended, and with it those that can never be carried out now."""
    tracker.finished(task, outcome, seconds)
    record_lost(queue.end(task, outcome), tracker, on_record=task.kind.keeps_failures)


def record_lost(lost: Sequence[tuple[Task, Outcome]], tracker: Tracker, *, on_record: bool = True) -> None:
    """Steps that something they read has taken along; on record only where that is: a trial without text is to do again."""
    for task, why in lost:
        if on_record:
            task.record_failure(why, 0.0)
        tracker.finished(task, why, 0.0)
