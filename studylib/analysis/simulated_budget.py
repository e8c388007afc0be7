"""Studies whose truth is known, to see what following the list of next runs saves.

Every study has 25 choices. Their effects go over sizes as ``reliability`` says (each choice with a memory of
its own), with spreads, noise and costs as real ones have; all choices were compared once on small models. Then compute is spent

- by the list: for every choice at most one run, at the size and among the variants that its expected gain is worth (``allocate``), of
  a part of the budget; then the list is made anew for the rest;
- evenly: so many seeds of every variant of every choice at one size; what counts is the best size and number of seeds for its cost,
  which nobody knows beforehand;
- as a ladder: all at one size after the other, three seeds each.

The list knows nothing that a study would not: spreads are estimated, the memory is that of all choices on average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studylib.analysis.reliability import Reliability, published_reliability, spread_of
from studylib.analysis.value_of_runs import Beliefs, SeenChoice, allocate

CHOICES = 25
FIRST, TARGET = 1e6, 1e10  # parameters
SIZES = tuple(np.geomspace(1e7, 1e9, 9).tolist())
BUDGETS = tuple(np.geomspace(0.5, 5e4, 11).tolist())  # GPU-hours
_PLACES = np.log10([FIRST, *SIZES, TARGET])
SEEDS = 3  # of a run
_PARTS = (0.15, 1.0)  # of a budget: spent by the first list, and by the second
_EVEN_SEEDS = (3, 6, 12)
_LADDER = ((1,), (1, 5), (1, 5, 9))
_MOST = 8  # variants of a choice
_SPREAD, _NOISE = (0.5, 2.2), (0.15, 2.0)  # percent of the loss: medians, and factors of one SD
# What a choice costs beside its variants (sweeps that cannot be left out, tunings that are short): from 3 to 17 GPU-hours in the
# ideas' plans for 100M parameters and three seeds.
_DEARER = 1.9
_GPU = 4e14 * 3600  # FLOPs in a GPU-hour
_FREE = 0.05  # GPU-hours: where the axis of costs begins
_POINTS = 7  # budgets at which ways are held against each other


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
        By the list, a column a budget of `BUDGETS`.
    even
        A column an option of `EVEN`: (size, seeds).
    ladder
        A column a rung.
    """

    before: np.ndarray
    followed: Spent
    even: Spent
    ladder: Spent

    def curve(self, studies: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """[N] mean GPU-hours and regret of the list, from the first comparison on."""
        kept = slice(None) if studies is None else studies
        hours, regret = self.followed.hours[kept].mean(axis=0), self.followed.regret[kept].mean(axis=0)
        return np.append(_FREE, hours), np.append(self.before[kept].mean(), np.minimum.accumulate(regret))

    def best_even(self, studies: np.ndarray | None = None) -> list[tuple[int, float, float]]:
        """(option, GPU-hours, regret) of the best ways to spread evenly, by rising cost."""
        return _frontier(self.even, studies)

    def saved(self, other: Spent | None = None, studies: np.ndarray | None = None) -> list[tuple[float, float]]:
        """(GPU-hours, ratio): at each point of the other way (default: spread evenly), its compute over what the list needs for its regret."""
        corners = _frontier(self.even if other is None else other, studies)
        ends, there = np.log([one for _, one, _ in corners]), [one for _, _, one in corners]
        costs = np.geomspace(corners[0][1], corners[-1][1], _POINTS)
        return self._over_the_list(costs, np.interp(np.log(costs), ends, there), studies)

    def saved_usually(self, studies: np.ndarray | None = None) -> list[tuple[float, float]]:
        """As `saved`, at every size and number of seeds that could be spread evenly, not at the best ones alone."""
        kept = slice(None) if studies is None else studies
        return self._over_the_list(self.even.hours[kept].mean(axis=0), self.even.regret[kept].mean(axis=0), studies)

    def _over_the_list(
        self, costs: np.ndarray, reached: np.ndarray, studies: np.ndarray | None
    ) -> list[tuple[float, float]]:
        """(GPU-hours, over what the list needs for the same regret) of those regrets that the list reaches."""
        hours, regrets = self.curve(studies)
        needed = np.exp(np.interp(-reached, -regrets, np.log(hours)))
        return [
            (float(cost), float(cost / own))
            for cost, own, regret in zip(costs, needed, reached, strict=True)
            if regrets[-1] <= regret
        ]

    def ratio(self, other: Spent | None = None, resamples: int = 400) -> tuple[float, float, float]:
        """(low, middle, high): `saved` on geometric average, and its 95 % interval over studies (bootstrap)."""
        generator = np.random.default_rng(0)
        count = len(self.before)
        drawn = [_mean(self.saved(other, generator.integers(0, count, count))) for _ in range(resamples)]
        low, high = np.quantile(drawn, [0.025, 0.975])
        return float(low), _mean(self.saved(other)), float(high)


EVEN = tuple((size, seeds) for size in SIZES for seeds in _EVEN_SEEDS)


def simulate_budget(studies: int, reliability: Reliability | None = None, *, random_seed: int = 0) -> SimulatedBudget:
    """Spend compute in so many studies."""
    reliability = published_reliability() if reliability is None else reliability
    generator = np.random.default_rng(random_seed)
    truth = _Truth(studies, reliability, generator)
    first = truth.first_look(reliability, generator)
    before = truth.regret(first)
    return SimulatedBudget(
        before, _follow(truth, first, reliability, generator), _evenly(truth, first, generator), _climb(truth, first, generator)
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


def _follow(truth: _Truth, first: Beliefs, reliability: Reliability, generator: np.random.Generator) -> Spent:
    """Each budget in two parts, as the list is made anew once the first has been seen."""
    hours, regrets = [], []
    for budget in BUDGETS:
        beliefs, reached, spent = first, np.zeros(len(truth.noise), dtype=int), np.zeros(truth.studies)
        for share in _PARTS:
            bought, place = _bought(truth, beliefs, reached, share * budget - spent)
            rows, asked = np.flatnonzero(place), beliefs.open
            for own in (np.flatnonzero(place == one) for one in np.unique(place[rows])):
                seen = truth.measure(own, place[own[0]], SEEDS, generator)
                beliefs = beliefs.put(own, beliefs.take(own).seen(place[own[0]], SEEDS, seen, asked[own]))
            reached = np.maximum(reached, place)
            beliefs = _told_anew(beliefs, reached, reliability)
            spent = spent + bought
        hours.append(spent)
        regrets.append(truth.regret(beliefs))
    return Spent(np.array(hours).T, np.array(regrets).T)


def _bought(truth: _Truth, beliefs: Beliefs, reached: np.ndarray, budget: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[S] GPU-hours, and [B] the place of each choice's run; 0: none."""
    places, rows = np.arange(1, len(SIZES) + 1), np.arange(len(truth.noise))
    gains = np.stack([beliefs.hoped - beliefs.planned(place, SEEDS, beliefs.open).hoped for place in places], axis=1)
    gains[reached[:, None] >= places] = 0.0  # what smaller models say is known
    costs = np.stack([truth.hours(rows, place, SEEDS, beliefs.open) for place in places], axis=1)
    shape = (truth.studies, truth.choices, len(places))
    offer = allocate(gains.reshape(shape), costs.reshape(shape), budget).ravel()
    paid = np.where(offer >= 0, costs[rows, offer], 0.0)
    return paid.reshape(truth.studies, -1).sum(axis=1), offer + 1


def _told_anew(beliefs: Beliefs, places: np.ndarray, reliability: Reliability) -> Beliefs:
    """As the next list has it: from what is known at the largest size that was reached, with the spread that is seen there."""
    choices = []
    for n, place in enumerate(places):
        here = np.flatnonzero(beliefs.real[n])
        covariance = beliefs.covariance[n, place][here][:, place][:, here]
        sd = np.sqrt(np.maximum(np.diag(covariance) + covariance[0, 0] - 2 * covariance[0], 0.0))
        behind = beliefs.mean[n, place, here] - beliefs.mean[n, place, 0]
        size = 10 ** _PLACES[place]
        choices.append(SeenChoice(behind, np.r_[0.0, sd[1:]], size, beliefs.noise[n]))
    found = Beliefs.of(choices, reliability, SIZES, TARGET)
    missing = beliefs.real.shape[1] - found.real.shape[1]
    return found if not missing else found.padded(missing)


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
    """(option, cost, regret), means over studies, of the options that no cheaper one beats."""
    kept = slice(None) if studies is None else studies
    hours, regret = spent.hours[kept].mean(axis=0), spent.regret[kept].mean(axis=0)
    found: list[tuple[int, float, float]] = []
    for n in np.argsort(hours, kind="stable"):
        if not found or regret[n] < found[-1][2]:
            found.append((int(n), float(hours[n]), float(regret[n])))
    return found


def _mean(saved: Sequence[tuple[float, float]]) -> float:
    return float(np.exp(np.mean([np.log(ratio) for _, ratio in saved]))) if saved else float("nan")
