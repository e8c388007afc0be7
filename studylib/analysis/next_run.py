"""The run that would settle an open decision, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from studylib.analysis.posterior import Posterior
from studylib.notebook import fields

MOST_SEEDS = 200
_CHANCE = 0.8
_TRUTHS, _INNER = 256, 256


@dataclass(frozen=True)
class NextRun:
    """More seeds for the variants that are still open.

    Attributes
    ----------
    variants
        The leader and its rivals; all others are already out.
    seeds
        Seeds each should have in the end; None when more than ``MOST_SEEDS`` would be needed.
    extra_trials
        Trials to add.
    flops, seconds
        Their cost, from the medians of the trials done; None when unknown.
    chance
        Probability that one of them is then ahead by the rule that decides; what ``MOST_SEEDS`` would reach when ``seeds``
        is None.
    """

    variants: tuple[str, ...]
    seeds: int | None
    extra_trials: int
    flops: float | None
    seconds: float | None
    chance: float

    def _repr_html_(self) -> str:
        return fields(asdict(self))


def plan_next_run(
    seen: Posterior,
    variants: tuple[str, ...],
    *,
    bar: float,
    margin: float,
    errors: Mapping[str, np.ndarray],
    trials: pl.DataFrame,
    variant: str,
) -> NextRun | None:
    """Fewest seeds with which the rule that decides is expected to decide in 4 of 5 futures.

    Parameters
    ----------
    seen
        Draws of the losses without the ``errors`` of moves, which seeds do not lessen.
    variants
        The leader and its rivals.
    bar, margin
        P(best) and regret asked for at the next look.
    """
    if len(variants) < 2:
        return None
    futures = _Futures(seen, variants, errors)
    fewest = max(len(seen.seeds[name]) for name in variants) + 1
    low, high = fewest, max(MOST_SEEDS, fewest)
    chance = futures.chance(high, bar, margin)
    seeds = high if chance >= _CHANCE else None
    while seeds is not None and low < high:
        middle = int(np.sqrt(low * high))  # chances change with the logarithm of the seeds
        reached = futures.chance(middle, bar, margin)
        if reached >= _CHANCE:
            high, chance = middle, reached
        else:
            low = middle + 1
        seeds = high
    extra = {name: max(0, (seeds or 0) - len(seen.seeds[name])) for name in variants}
    costs: dict[str, float | None] = {}
    for column in ("flops", "seconds"):
        costs[column] = None
        if column in trials.columns:
            done = trials.with_columns(pl.col(variant).cast(pl.String)).filter(pl.col(column).is_finite())
            medians = dict(done.group_by(variant).agg(pl.col(column).median()).iter_rows())
            if all(name in medians for name in variants):
                costs[column] = float(sum(extra[name] * medians[name] for name in variants))
    return NextRun(variants, seeds, sum(extra.values()), costs["flops"], costs["seconds"], chance)


class _Futures:
    """What more seeds would show, if the truth is one of the draws at hand (preposterior analysis).

    Differences to the leader are taken as jointly normal, with the draws' covariance, and new seeds update them as they would:
    the draws themselves serve as truths, so what is likely to be a near tie is planned as one.
    """

    def __init__(self, seen: Posterior, variants: tuple[str, ...], errors: Mapping[str, np.ndarray]) -> None:
        own = [seen.variants.index(name) for name in variants]
        losses = seen.samples[:, own]
        self._known = np.array([len(seen.seeds[name]) for name in variants])
        self._noise = np.array([seen.sd[name] ** 2 for name in variants])
        self._draws = losses[:, 1:] - losses[:, :1]
        self._mean = self._draws.mean(axis=0)
        self._covariance = np.atleast_2d(np.cov(self._draws.T))
        moves = np.array([np.resize(errors.get(name, np.zeros(1)), len(losses)) for name in variants])
        self._moves = np.atleast_2d(np.cov(moves[1:] - moves[:1]))
        generator = np.random.default_rng(0)
        self._truths = self._draws[generator.choice(len(self._draws), _TRUTHS, replace=len(self._draws) < _TRUTHS)]
        self._chance = generator.standard_normal((_TRUTHS, len(own) - 1))
        self._inner = generator.standard_normal((_INNER, len(own) - 1))

    def chance(self, seeds: int, bar: float, margin: float) -> float:
        """Share of futures with ``seeds`` of each in which one is ahead."""
        noise = self._noise / np.maximum(seeds - self._known, 1e-9)
        error = np.diag(noise[1:]) + noise[0]
        observed = self._truths + self._chance @ _root(error).T
        gain = self._covariance @ np.linalg.pinv(self._covariance + error)
        mean = self._mean + (observed - self._mean) @ gain.T
        left = self._covariance - gain @ self._covariance + self._moves
        drawn = mean[:, None, :] + self._inner @ _root(left).T  # [truths, inner, V-1]
        drawn = np.concatenate([np.zeros((*drawn.shape[:2], 1)), drawn], axis=2)
        lead = np.hstack([np.zeros((len(mean), 1)), mean]).argmin(axis=1)
        least = drawn.min(axis=2)
        of_leader = np.take_along_axis(drawn, lead[:, None, None], axis=2)[:, :, 0]
        best = (of_leader <= least).mean(axis=1)
        regret = (of_leader - least).mean(axis=1)
        return float(((best >= bar) & (regret <= margin)).mean())


def _root(covariance: np.ndarray) -> np.ndarray:
    """A square root that bears a covariance without full rank."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def duration(seconds: float) -> str:
    """``90`` -> ``1.5 min``; units that both languages read."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
