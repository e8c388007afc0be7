"""Timing contenders side by side: in turn, warm, repeated, so that a drifting machine does not favour one."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from studylib.measuring import BUSY, Watch, wait_until_quiet

_WARM_UP_SECONDS = 60.0  # of one contender; its first call is made in any case
_LONGEST_SECONDS = 600.0  # of all rounds together; slow contenders have fewer rounds
_FEWEST_ROUNDS = 3


@dataclass(frozen=True)
class Rates:
    """Work per second in each round, e.g. tokens/s; ``others``: share of the cores that others took meanwhile (None: not known)."""

    rounds: tuple[float, ...]
    others: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def spread(self) -> tuple[float, float]:
        return min(self.rounds), max(self.rounds)


def in_turn(
    contenders: Mapping[str, Callable[[], None]],
    *,
    work: float,
    rounds: int = 9,
    seconds: float = 0.5,
    warm_up: int = 3,
) -> dict[str, Rates]:
    """Run each contender for about ``seconds``, one after the other, ``rounds`` times.

    ``work`` is what one call does (tokens, FLOPs); rates are per second. The order is turned round in every
    second round, so that none always runs first. While others use the machine it waits, for a while. What it is at goes to
    stderr; what a warm-up shows to be slow has fewer rounds, so that none takes for ever.
    """
    wait_until_quiet(_say)
    called = {name: _warm(name, call, warm_up) for name, call in contenders.items()}
    each = sum(max(seconds, one) for one in called.values())
    rounds = max(min(rounds, _FEWEST_ROUNDS), min(rounds, int(_LONGEST_SECONDS / each)))
    _say(f"timing {', '.join(contenders)}: {rounds} rounds of about {each:.1f} s")
    found: dict[str, list[float]] = {name: [] for name in contenders}
    watch = Watch()
    for index in range(rounds):
        order = list(contenders.items())
        for name, call in order if index % 2 == 0 else reversed(order):
            began, calls, elapsed = time.perf_counter(), 0, 0.0
            while elapsed < seconds:
                call()
                calls += 1
                elapsed = time.perf_counter() - began
            found[name].append(calls * work / elapsed)
    others = watch.others()
    return {name: Rates(tuple(rates), others) for name, rates in found.items()}


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _warm(name: str, call: Callable[[], None], calls: int) -> float:
    """Seconds of the last of ``calls`` calls, or of as many as the warm-up has time for."""
    _say(f"warming up {name}")
    began, last = time.perf_counter(), 0.0
    for _ in range(calls):
        start = time.perf_counter()
        call()
        last = time.perf_counter() - start
        if time.perf_counter() - began > _WARM_UP_SECONDS:
            break
    return last


def ratio(over: Rates, under: Rates) -> tuple[float, float, float]:
    """Median, least and greatest of ``over / under``, round by round: neighbours in time are compared."""
    ratios = [a / b for a, b in zip(over.rounds, under.rounds, strict=True)]
    return statistics.median(ratios), min(ratios), max(ratios)


def told_others(share: float | None) -> str:
    """How much others took of the cores, and whether that is too much for a figure to be quoted."""
    return "not known" if share is None else f"{100 * share:.0f} %" + ("" if share <= BUSY else ", not quiet")


def quietness(rates: Iterable[Rates]) -> str:
    """Below a table: what others took while it was measured."""
    known = [rate.others for rate in rates if rate.others is not None]
    return f"share of the cores that others took meanwhile: {told_others(max(known, default=None))}"
