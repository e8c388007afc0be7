"""Timing contenders side by side: in turn, warm, repeated, so that a drifting machine does not favour one."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Rates:
    """Work per second in each round, e.g. tokens/s."""

    rounds: tuple[float, ...]

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
    second round, so that none always runs first.
    """
    for call in contenders.values():
        for _ in range(warm_up):
            call()
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for index in range(rounds):
        order = list(contenders.items())
        for name, call in order if index % 2 == 0 else reversed(order):
            began, calls, elapsed = time.perf_counter(), 0, 0.0
            while elapsed < seconds:
                call()
                calls += 1
                elapsed = time.perf_counter() - began
            found[name].append(calls * work / elapsed)
    return {name: Rates(tuple(rates)) for name, rates in found.items()}


def ratio(over: Rates, under: Rates) -> tuple[float, float, float]:
    """Median, least and greatest of ``over / under``, round by round: neighbours in time are compared."""
    ratios = [a / b for a, b in zip(over.rounds, under.rounds, strict=True)]
    return statistics.median(ratios), min(ratios), max(ratios)
