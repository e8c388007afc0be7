"""What a process that measures speed needs: how much of the machine others take meanwhile, and a word to whoever waits."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import time
from collections.abc import Callable

BUSY = 0.05  # share of the cores that others may take before a figure is not one of a quiet machine
_LOOK_SECONDS, _LONGEST_WAIT = 0.5, 20.0


class Watch:
    """Counts from where it is made: processor time of the cores that this process may use, and of it what is its own.

    Its own is that of this process, its children that ended, and its descendants that live. What a hypervisor took away (steal)
    counts as others'.
    """

    def __init__(self) -> None:
        self._began = self._now()

    def others(self) -> float | None:
        """Share of the cores, 0 to 1, that others took since; None where the system does not say."""
        before, after = self._began, self._now()
        if before is None or after is None or after[0] <= before[0]:
            return None
        elapsed, busy, own = (b - a for a, b in zip(before, after, strict=True))
        return min(max((busy - own) / (elapsed * len(_cores())), 0.0), 1.0)

    @staticmethod
    def _now() -> tuple[float, float, float] | None:
        """Seconds by the clock, busy seconds of all the cores together, and own processor seconds."""
        import psutil

        each = psutil.cpu_times(percpu=True)
        cores = [each[core] for core in _cores() if core < len(each)]
        if not cores or not sum(map(sum, cores)):  # nothing is counted here
            return None
        # A guest's time is in user already.
        names = ("user", "nice", "system", "irq", "softirq", "steal")
        busy = sum(getattr(core, name, 0.0) for core in cores for name in names)
        return time.perf_counter(), busy, _own_seconds()


def wait_until_quiet(say: Callable[[str], None]) -> None:
    """Wait while others take more than `BUSY` of the cores, but no longer than 20 s or ``$STUDYLIB_LONGEST_WAIT``; says so once."""
    given = os.environ.get("STUDYLIB_LONGEST_WAIT", "")
    longest = float(given) if given.isdigit() else _LONGEST_WAIT
    until, told = time.monotonic() + longest, False
    while True:
        watch = Watch()
        time.sleep(_LOOK_SECONDS)
        share = watch.others()
        if share is None or share <= BUSY or time.monotonic() >= until:
            return
        if not told:
            told = True
            say(f"waiting up to {longest:.0f} s for a quiet machine: other work takes {100 * share:.0f} % of the cores")


def tell(line: str) -> None:
    """What this process is at, on stdout, for `studylib.steps._process.records_of`."""
    print(json.dumps({"said": line}), flush=True)


def _cores() -> list[int]:
    """Numbers of the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def _own_seconds() -> float:
    import psutil

    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(one.ru_utime + one.ru_stime for one in used)
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has just ended, and is counted with those that did
            times = child.cpu_times()
            seconds += times.user + times.system + times.children_user + times.children_system
    return seconds
