"""Comparisons and decisions at one size: families, noisy variants, looks, selection, spreads, and the next run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from studylib import analysis
from studylib.bench.calibration._table import Row

TITLE = "Comparisons and decisions at one size"
_SD, _LEVEL = 0.004, 2.0  # noise of a trial and mean loss, bits per byte; the margin is then one SD
_DRAWS = 2_000


def rows(studies: int, random_seed: int) -> list[Row]:
    found: list[Row] = []
    for part in (families, detectable, winners, p_best, looks, choices, sums, spreads, basins, next_runs):
        found += part(studies, np.random.default_rng(random_seed))
    return found


def simulated(
    generator: np.random.Generator, effects: Sequence[float], seeds: int, noise: Sequence[float] | float = _SD
) -> np.ndarray:
    """[V, S] losses: effects, what a seed does to all alike (SD .02), and noise (one SD, or one a variant)."""
    truth = np.asarray(effects, dtype=float)
    own = np.broadcast_to(noise, truth.shape)[:, None] * generator.standard_normal((len(truth), seeds))
    return _LEVEL + truth[:, None] + 0.02 * generator.standard_normal(seeds) + own


def table(losses: np.ndarray) -> pl.DataFrame:
    """The frame a notebook would hold: variants ``v0``, ``v1``, ..."""
    variants, seeds = losses.shape
    return pl.DataFrame(
        {
            "variant": np.repeat([f"v{i}" for i in range(variants)], seeds),
            "seed": np.tile(np.arange(seeds), variants),
            "status": "done",
            "val_bpb": losses.ravel(),
        }
    )


def _decide(losses: np.ndarray, *, count: int = 1) -> analysis.Decision:
    return analysis.decide(table(losses), looks=count, draws=_DRAWS)


def families(studies: int, generator: np.random.Generator) -> Iterator[Row]:
    """Nothing differs: false findings in the family, and intervals of the noisy variant and of the others."""
    for name, seeds, noise in (
        ("5 equal variants, 3 seeds", 3, (1, 1, 1, 1, 1)),
        ("one of 5 variants 5 times as noisy, 3 seeds", 3, (1, 5, 1, 1, 1)),
        ("baseline of 5 variants 5 times as noisy, 3 seeds", 3, (5, 1, 1, 1, 1)),
        ("one of 10 variants 5 times as noisy, 3 seeds", 3, (1, 5, *[1] * 8)),
    ):
        sd = _SD * np.array(noise, dtype=float)
        tables = [
            analysis.compare_to_baseline(table(simulated(generator, np.zeros(len(sd)), seeds, sd)), "v0")
            for _ in range(studies)
        ]
        covered = np.array([(one["low"] <= 0) & (one["high"] >= 0) for one in tables])
        oracle = 1.96 * np.sqrt((sd[0] ** 2 + sd[1:] ** 2) / seeds)
        width = np.median(np.array([(one["high"] - one["low"]) / 2 for one in tables]) / oracle, axis=0)
        wrong = float(np.mean([one["significant"].any() for one in tables]))
        yield Row(name, "some difference called significant", (0, 0.05), wrong, studies)
        if noise[1] > 1:
            yield Row(name, "coverage, the noisy one", (0.93, 0.98), float(covered[:, 0].mean()), studies)
        rest = covered[:, 1:] if noise[1] > 1 else covered
        yield Row(name, "coverage, the others (mean)", (0.93, 1), float(rest.mean()), studies)
        yield Row(name, "widest interval over an oracle's", (0, 2), float(width.max()), studies, share=False)


def detectable(studies: int, generator: np.random.Generator) -> Iterator[Row]:
    """A true difference as large as the MDE that a study of the same kind has printed."""
    for count in (2, 5, 10):
        ratios = []
        for _ in range(studies):
            printed = analysis.noise_floor(table(simulated(generator, np.zeros(count), 4))).mde
            truth = np.zeros(count)
            truth[-1] = -printed
            one = analysis.compare_to_baseline(table(simulated(generator, truth, 4)), "v0").row(-1, named=True)
            ratios.append(one["difference"] / -printed if one["significant"] else math.nan)
        found = np.array(ratios)[np.isfinite(ratios)]
        name = f"one of {count} variants differs by the MDE, 4 seeds"
        yield Row(name, "called significant", (0.75, 0.87), len(found) / studies, studies)
        overstated = float(np.mean(found)) if len(found) else math.inf
        yield Row(name, "survivors over the truth (mean)", (0, 1.2), overstated, len(found), share=False)


def winners(studies: int, generator: np.random.Generator) -> Iterator[Row]:
    """A clear winner beside a variant that is noisy, and bad."""
    few = max(20, studies // 2)
    for times in (1, 5, 10):
        noise = _SD * np.array([1, 1, 1, 1, times])
        truth = [-10 * _SD, 0, 0, 0, 10 * _SD * times]
        sure = [_decide(simulated(generator, truth, 3, noise)).ahead for _ in range(few)]
        name = f"a winner by 10 SD, another variant worse and {times} times as noisy"
        yield Row(name, "called ahead", (0.8, 1), float(np.mean(sure)), few)


def p_best(studies: int, generator: np.random.Generator) -> Iterator[Row]:
    """Truth drawn from a normal scatter: what is said against what is so."""
    said, right, cost, sure = [], [], [], []
    for _ in range(studies * 2):
        truth = generator.normal(0, _SD * generator.choice([0.25, 1, 4]), int(generator.choice([2, 4, 8])))
        one = _decide(simulated(generator, truth, int(generator.choice([2, 3, 5]))))
        lead = int(one.leader[1:])
        said.append(one.p_best[one.leader])
        right.append(lead == truth.argmin())
        cost.append(truth[lead] - truth.min() > one.margin)
        sure.append(one.ahead)
    p, was = np.array(said), np.array(right)
    for low, high in ((0.0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.0)):
        inside = (p >= low) & (p < high + (high == 1))
        if inside.sum() >= 20:
            mean = float(p[inside].mean())
            promised = (max(0.001, mean - 0.05), min(0.999, mean + 0.05))
            name = f"2-8 variants, 2-5 seeds: P(best) said {mean:.2f}"
            yield Row(name, "share right", promised, float(was[inside].mean()), int(inside.sum()))
    wrong = float(np.mean(np.array(cost) & np.array(sure)))
    yield Row("2-8 variants, 2-5 seeds", "ahead, and worse than the best by a margin", (0, 0.05), wrong, len(said))


def looks(studies: int, generator: np.random.Generator) -> Iterator[Row]:
    """Two equal variants, judged again and again while seeds are added."""
    few = max(20, studies // 2)
    seeds = (2, 3, 4, 6, 9, 14)
    ahead = np.zeros((few, len(seeds)), dtype=bool)
    for study in range(few):
        losses = simulated(generator, [0, 0], seeds[-1], 4 * _SD)
        for k, n in enumerate(seeds):
            ahead[study, k] = _decide(losses[:, :n], count=k + 1).ahead
    yield Row("two equal variants", "ahead at the first look", (0, 0.20), float(ahead[:, 0].mean()), few)
    yield Row("two equal variants", "ahead at one of six looks", (0, 0.20), float(ahead.any(axis=1).mean()), few)


def choices(studies: int, generator: np.random.Generator) -> Iterator[Row]:
    """Two equally good variants at five rates each, one flat and one peaked, each judged at the rate chosen for it."""
    leads = []
    for _ in range(studies):
        cells = np.array([np.zeros(5), 2 * _SD * np.array([4, 1, 0, 1, 4])])
        losses = simulated(generator, cells.ravel(), 3)
        frame = table(losses).with_columns(
            variant=pl.Series(np.repeat(["flat", "peaked"], 15)), rate=pl.Series(np.tile(np.repeat(range(5), 3), 2))
        )
        judged = analysis.judged_by_other_seeds(frame, "rate").group_by("variant").agg(pl.col("val_bpb").mean())
        leads.append(judged.sort("val_bpb")["variant"][0] == "flat")
    yield Row(
        "flat and peaked variant, best of 5 rates", "the flat one leads", (0.4, 0.6), float(np.mean(leads)), studies
    )


def sums(studies: int, generator: np.random.Generator) -> Iterator[Row]:
    """Effects that add up; the best of each of four factors, chosen by the same seeds, against their combination."""
    few = max(20, studies // 2)
    for name, scatter in (("no effects", 0.0), ("effects of an SD", 1.0)):
        less, covered = [], []
        for _ in range(few):
            truth = np.concatenate([[0.0], generator.normal(0, scatter * _SD, 12)])
            first = simulated(generator, truth, 4)
            chosen = [1 + 3 * k + int(first[1 + 3 * k : 4 + 3 * k].mean(axis=1).argmin()) for k in range(4)]
            seed = first.mean(axis=0) - truth.mean()
            combined = seed + truth[chosen].sum() + generator.normal(0, _SD, 4)
            frame = table(np.vstack([first, combined]))
            one = analysis.check_additivity(frame, "v0", [f"v{k}" for k in chosen], "v13")
            less.append(one.interaction[0] > 0)
            covered.append(one.interaction[0] <= 0 <= one.interaction[2])
        yield Row(
            f"best of each of 4 factors, {name}",
            "interval of the interaction above 0",
            (0, 0.05),
            float(np.mean(less)),
            few,
        )
        yield Row(
            f"best of each of 4 factors, {name}", "coverage of the interaction", (0.93, 1), float(np.mean(covered)), few
        )


def spreads(studies: int, generator: np.random.Generator) -> Iterator[Row]:
    """The range over variants, which noise only ever widens."""
    few = max(20, studies // 2)
    for name, truth in (
        ("4 equal shapes", np.zeros(4)),
        ("6 equal shapes", np.zeros(6)),
        ("4 shapes over 2 SD", _SD * np.linspace(0, 2, 4)),
        ("6 shapes over 5 SD", _SD * np.linspace(0, 5, 6)),
    ):
        covered = []
        for _ in range(few):
            low, high = analysis.spread_interval(table(simulated(generator, truth, 3)))
            covered.append(low <= np.ptp(truth) / _LEVEL <= high * 1.002)
        yield Row(name, "coverage of the range", (0.93, 1), float(np.mean(covered)), few)


def basins(studies: int, generator: np.random.Generator) -> Iterator[Row]:
    """What is called equivalent to the best costs less than the margin."""
    few = max(20, studies // 2)
    members = outside = 0
    for _ in range(few):
        truth = 0.5 * _SD * np.arange(8) ** 1.5
        one = _decide(simulated(generator, truth, 3))
        inside = [truth[int(name[1:])] for name in one.basin[1:]]
        members += len(inside)
        outside += sum(cost > one.margin for cost in inside)
    share = outside / members if members else 0.0
    yield Row("8 shapes, 3 seeds", "equivalent, but a margin worse than the best", (0, 0.05), share, max(members, 1))


def next_runs(studies: int, generator: np.random.Generator) -> Iterator[Row]:
    """Seeds asked for, then given: how often is one variant ahead?"""
    few = max(20, studies // 2)
    hits = asked = 0
    for _ in range(few):
        losses = simulated(generator, generator.normal(0, 8 * _SD, 3), 200, 8 * _SD)
        first = _decide(losses[:, :3])
        if first.next_run is not None and first.next_run.seeds is not None:
            asked += 1
            hits += _decide(losses[:, : first.next_run.seeds], count=2).ahead
    share = hits / asked if asked else 1.0
    yield Row(
        "3 variants that scatter as the noise does", "ahead with the seeds asked for", (0.7, 0.95), share, max(asked, 1)
    )
