"""Studies whose truth is known, to see what following the list of next runs saves.

Every study has 25 choices. Their effects go over sizes as ``reliability`` says (each choice with a memory of
its own), with spreads, noise and costs as real ones have; all choices were compared once on small models. Then compute is spent

- by the list: again and again the run of a choice at a size with the most expected reduction of regret for its cost, among its likeliest
  variants, made anew after each run (``value_of_runs``);
- evenly: so many seeds of every variant of every choice at one size; what counts is the best size and number of seeds for its cost,
  which nobody knows beforehand;
- as a ladder: all at one size after the other, three seeds each.

The list knows nothing that a study would not: spreads are estimated, the memory is that of all choices on average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from studylib.analysis.reliability import Reliability, published_reliability, spread_of
from studylib.analysis.value_of_runs import Beliefs, SeenChoice

CHOICES = 25
FIRST, TARGET = 1e6, 1e10  # parameters
SIZES = (1e7, 3e7, 1e8, 3e8, 1e9)
_PLACES = np.log10([FIRST, *SIZES, TARGET])
SEEDS = 3  # of a run
COUNTS = (2, 4, 99)  # of the variants that are open, the likeliest so many
_EVEN_SEEDS = (3, 6, 12)
_LADDER = ((1,), (1, 3), (1, 3, 5))
_MOST = 8  # variants of a choice
_SPREAD, _NOISE = (0.5, 2.2), (0.15, 2.0)  # percent of the loss: medians, and factors of one SD
# What a choice costs beside its variants (sweeps that cannot be left out, tunings that are short): from 3 to 17 GPU-hours in the
# ideas' plans for 100M parameters and three seeds.
_DEARER = 1.9
_GPU = 4e14 * 3600  # FLOPs in a GPU-hour
_LEAST = 1e-3  # percent
_RUNS = 400


@dataclass(frozen=True)
class Spent:
    """``hours`` [S, N] GPU-hours of a study by which ``regret`` [S, N], percent of the loss over all choices, was reached."""

    hours: np.ndarray
    regret: np.ndarray


@dataclass(frozen=True)
class SimulatedBudget:
    """Attributes
    ----------
    before
        [S] true regret of choosing by the first comparison.
    followed
        By the list, a run after the other.
    even
        A column an option of `EVEN`: (size, seeds).
    ladder
        A column a rung.
    """

    before: np.ndarray
    followed: Spent
    even: Spent
    ladder: Spent

    def curve(self, hours: np.ndarray, studies: np.ndarray | None = None) -> np.ndarray:
        """[X] mean regret of the list's studies once they have spent so many GPU-hours."""
        kept = slice(None) if studies is None else studies
        spent, regret = self.followed.hours[kept], self.followed.regret[kept]
        done = (spent[:, :, None] <= hours).sum(axis=1)  # [S, X] runs paid for
        whole = np.concatenate([self.before[kept][:, None], regret], axis=1)
        return np.take_along_axis(whole, done, axis=1).mean(axis=0)

    def best_even(self, studies: np.ndarray | None = None) -> list[tuple[int, float, float]]:
        """(option, GPU-hours, regret) of the best ways to spread evenly, by rising cost."""
        return _frontier(self.even, studies)

    def saved(self, other: Spent | None = None, studies: np.ndarray | None = None) -> list[tuple[float, float]]:
        """(GPU-hours, ratio): at each point of the other way (default: spread evenly), its compute over what the list needs for its regret."""
        grid = np.geomspace(1e-3, 1e6, 1801)
        curve = np.minimum.accumulate(self.curve(grid, studies))
        found = []
        for _, hours, regret in _frontier(self.even if other is None else other, studies):
            reached = np.flatnonzero(curve <= regret)
            if len(reached):
                found.append((hours, hours / grid[reached[0]]))
        return found

    def ratio(self, other: Spent | None = None, resamples: int = 400) -> tuple[float, float, float]:
        """(low, middle, high): `saved` on geometric average, and its 95 % interval over studies (bootstrap)."""
        generator = np.random.default_rng(0)
        count = len(self.before)
        drawn = [_mean(self.saved(other, generator.integers(0, count, count))) for _ in range(resamples)]
        low, high = np.quantile(drawn, [0.025, 0.975])
        return float(low), _mean(self.saved(other)), float(high)


EVEN = tuple((size, seeds) for size in SIZES for seeds in _EVEN_SEEDS)


def simulate_budget(
    studies: int, reliability: Reliability | None = None, *, most_hours: float = 4e4, random_seed: int = 0
) -> SimulatedBudget:
    """Spend compute in so many studies, up to ``most_hours`` GPU-hours each by the list."""
    reliability = published_reliability() if reliability is None else reliability
    generator = np.random.default_rng(random_seed)
    truth = _Truth(studies, reliability, generator)
    first = truth.first_look(reliability, generator)
    before = truth.regret(first)
    return SimulatedBudget(
        before, _follow(truth, first, most_hours, generator), _evenly(truth, first, generator), _climb(truth, first, generator)
    )  # fmt: skip


class _Truth:
    """What is true of ``studies`` times the choices of all ideas: effects [B, P, V] in percent, noise [B], and which variants there are."""

    def __init__(self, studies: int, reliability: Reliability, generator: np.random.Generator) -> None:
        self.studies, self.choices = studies, CHOICES
        count = studies * CHOICES
        self.real = np.arange(_MOST) < generator.integers(2, _MOST + 1, count)[:, None]
        spread, self.noise = (
            middle * factor ** generator.standard_normal(count) for middle, factor in (_SPREAD, _NOISE)
        )
        self.dearer = _DEARER ** generator.standard_normal(count)
        memory = generator.choice(reliability.memory, count)
        apart = np.abs(_PLACES[:, None] - _PLACES)
        root = np.linalg.cholesky(np.exp(-apart / memory[:, None, None]) + 1e-12 * np.eye(len(_PLACES)))
        drawn = root @ generator.standard_normal((count, len(_PLACES), _MOST))
        self.effects = spread[:, None, None] * drawn
        self.kept = np.exp(-apart[-2, -1] / memory)  # of an effect at the largest size that can be trained
        self.least = np.where(self.real, self.effects[:, -1], np.inf).min(axis=1)

    def measure(
        self, rows: np.ndarray, place: int, seeds: np.ndarray | int, generator: np.random.Generator
    ) -> np.ndarray:
        """[n, V] means over seeds."""
        error = (self.noise[rows] / np.sqrt(seeds))[:, None] * generator.standard_normal((len(rows), _MOST))
        return self.effects[rows, place] + error

    def first_look(self, reliability: Reliability, generator: np.random.Generator) -> Beliefs:
        """Three seeds of all variants at the first size, each pulled back as far as its noise says."""
        rows = np.arange(len(self.noise))
        seen = self.measure(rows, 0, 3, generator)
        choices = []
        for n in rows:
            behind = seen[n, self.real[n]] - seen[n, 0]
            error = self.noise[n] * (2 / 3) ** 0.5
            raw = np.r_[0.0, np.full(len(behind) - 1, error)]
            spread = spread_of(behind, raw)
            share = spread**2 / (spread**2 + error**2 / 2)
            choices.append(SeenChoice(share * behind, share**0.5 * raw, FIRST, self.noise[n]))
        return Beliefs.of(choices, reliability, SIZES, TARGET)

    def regret(self, beliefs: Beliefs) -> np.ndarray:
        """[S] regret of choosing by beliefs, summed over a study's choices, in expectation over what is new beyond the largest size.

        Nobody can see that before; so the mean over studies is the same, and less is left to chance.
        """
        chosen = self.kept * self.effects[np.arange(len(self.kept)), -2, beliefs.best]
        return (chosen - self.least).reshape(self.studies, -1).sum(axis=1)

    def hours(self, rows: np.ndarray, place: int, seeds: int, variants: np.ndarray) -> np.ndarray:
        """[n] GPU-hours of so many seeds of [n, V] variants: 6 FLOPs a parameter and token, 20 tokens a parameter."""
        return self.dearer[rows] * variants.sum(axis=1) * seeds * 120 * (10 ** _PLACES[place]) ** 2 / _GPU


def _follow(truth: _Truth, beliefs: Beliefs, most: float, generator: np.random.Generator) -> Spent:
    offers = [(place, count) for place in range(1, len(SIZES) + 1) for count in COUNTS]
    studies, every = truth.studies, np.arange(len(truth.noise))
    worth, cost = np.zeros((2, len(offers), len(every)))

    def look(rows: np.ndarray) -> None:
        own = beliefs.take(rows)
        for n, (place, count) in enumerate(offers):
            asked = own.leading(count)
            worth[n, rows] = own.hoped - own.planned(place, SEEDS, asked).hoped
            cost[n, rows] = truth.hours(rows, place, SEEDS, asked)

    mean, covariance, before = (one.copy() for one in (beliefs.mean, beliefs.covariance, beliefs.before))
    beliefs = replace(beliefs, mean=mean, covariance=covariance, before=before)  # changed in place: they are large
    look(every)
    spent, hours, regrets = np.zeros(studies), [], []
    for _ in range(_RUNS):
        gains, prices = (
            one.reshape(len(offers), studies, -1).transpose(1, 0, 2) for one in (worth, cost)
        )  # [S, offers, C]
        score = np.where((gains >= _LEAST) & (spent[:, None, None] + prices <= most), gains / prices, 0.0)
        flat = score.reshape(studies, -1)
        active = np.flatnonzero(flat.max(axis=1) > 0)
        if not len(active):
            break
        offer, choice = np.divmod(flat[active].argmax(axis=1), truth.choices)
        rows = active * truth.choices + choice
        for n in np.unique(offer):
            own, (place, count) = rows[offer == n], offers[n]
            taken = beliefs.take(own)
            seen = truth.measure(own, place, SEEDS, generator)
            after = taken.seen(place, SEEDS, seen, taken.leading(count))
            mean[own], covariance[own], before[own] = after.mean, after.covariance, after.before
        spent = spent.copy()
        spent[active] += cost[offer, rows]
        look(rows)
        hours.append(np.where(np.isin(np.arange(studies), active), spent, np.inf))
        regrets.append(truth.regret(beliefs))
    return Spent(np.array(hours).T.reshape(studies, -1), np.array(regrets).T.reshape(studies, -1))


def _evenly(truth: _Truth, beliefs: Beliefs, generator: np.random.Generator) -> Spent:
    ways = [[(SIZES.index(size) + 1, seeds)] for size, seeds in EVEN]
    return _all_at(truth, beliefs, ways, generator)


def _climb(truth: _Truth, beliefs: Beliefs, generator: np.random.Generator) -> Spent:
    return _all_at(truth, beliefs, [[(place, 3) for place in rungs] for rungs in _LADDER], generator)


def _all_at(
    truth: _Truth, beliefs: Beliefs, ways: Sequence[Sequence[tuple[int, int]]], generator: np.random.Generator
) -> Spent:
    rows, hours, regrets = np.arange(len(truth.noise)), [], []
    for way in ways:
        own, cost = beliefs, np.zeros(len(rows))
        for place, seeds in way:
            own = own.seen(place, seeds, truth.measure(rows, place, seeds, generator))
            cost = cost + truth.hours(rows, place, seeds, truth.real)
        hours.append(cost.reshape(truth.studies, -1).sum(axis=1))
        regrets.append(truth.regret(own))
    return Spent(np.array(hours).T, np.array(regrets).T)


def _frontier(spent: Spent, studies: np.ndarray | None) -> list[tuple[int, float, float]]:
    """Corners of the lower hull of mean regret over the logarithm of the cost: between two of them a size between serves."""
    kept = slice(None) if studies is None else studies
    hours, regret = spent.hours[kept].mean(axis=0), spent.regret[kept].mean(axis=0)
    found: list[int] = []
    for n in np.argsort(hours, kind="stable"):
        while len(found) > 1 and _turns_up(np.log(hours), regret, found[-2], found[-1], n):
            found.pop()
        found.append(int(n))
    while len(found) > 1 and regret[found[-1]] >= regret[found[-2]]:
        found.pop()
    return [(n, float(hours[n]), float(regret[n])) for n in found]


def _turns_up(x: np.ndarray, y: np.ndarray, first: int, middle: int, last: int) -> bool:
    """Whether the middle point lies on or above the line through the others."""
    share = (x[middle] - x[first]) / (x[last] - x[first])
    return bool(y[middle] >= y[first] + share * (y[last] - y[first]))


def _mean(saved: Sequence[tuple[float, float]]) -> float:
    return float(np.exp(np.mean([np.log(ratio) for _, ratio in saved]))) if saved else float("nan")
