"""What is said about the target, on simulated effects over sizes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from studylib.analysis import hierarchy
from studylib.analysis.at_target import AtTarget, carry_to_target
from studylib.analysis.reliability import TYPICAL_SPREAD, published_reliability
from studylib.bench.calibration._table import Row

TITLE = "Carried to the target"
_TARGET = 1e10
_BINS = ((0.0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 0.97), (0.97, 1.01))

Truth = np.ndarray  # [V, S + 1] percent: at the sizes, then at the target


@dataclass(frozen=True)
class Sizes:
    """``count`` sizes over ``span`` decades, the largest ``away`` decades below the target."""

    count: int
    span: float
    away: float

    @property
    def log_params(self) -> np.ndarray:
        return math.log10(_TARGET) - self.away - self.span + np.linspace(0, self.span, self.count)

    @property
    def place(self) -> np.ndarray:
        """[S + 1] decades from the middle of the sizes, the target last."""
        x = self.log_params
        return np.append(x, math.log10(_TARGET)) - (x[0] + x[-1]) / 2


def rows(studies: int, random_seed: int) -> list[Row]:
    """Rows of all scenarios."""
    found: list[Row] = []
    bins: list[tuple[float, bool]] = []
    for number, (variants, sizes, seeds) in enumerate(
        ((2, Sizes(3, 1, 2), 3), (5, Sizes(3, 1, 2), 3), (5, Sizes(2, 0.5, 3), 2), (5, Sizes(5, 2, 1), 3), (5, Sizes(1, 0, 1), 3))
    ):  # fmt: skip
        found += _from_the_model(variants, sizes, seeds, max(20, studies // 2), random_seed + number, bins)
    found += _binned(bins)
    for sizes in (Sizes(3, 1, 2), Sizes(5, 1, 2)):
        for noise in (0.05, 0.1, 0.2):
            found.append(_overtaken(sizes, noise, max(20, studies // 2), random_seed))
    for variants in (5, 15):
        found.append(_no_trend(variants, max(20, studies // 4 if variants > 5 else studies // 2), random_seed))
    found += _coverage(
        "one of 5 variants 5 times as noisy", _drawn(5), (0.93, 1.0), studies // 2, random_seed, noisy=5.0
    )
    found += _coverage("straight lines that never bend", _lines, (0.93, 1.0), studies // 2, random_seed)
    found += _coverage("slopes of heavy tails (t, 2 degrees)", _heavy, (0.93, 1.0), studies // 2, random_seed)
    found += _coverage("effects that level off at the largest size", _level_off, (0.93, 1.0), studies // 2, random_seed)
    return found


def simulated_trials(
    truth: Truth, sizes: Sizes, seeds: int, noise: np.ndarray | float, generator: np.random.Generator
) -> pl.DataFrame:
    """Trials with the effects ``truth``; ``noise`` [V] in percent a trial. A seed moves all variants of a size together."""
    noise = np.broadcast_to(noise, (len(truth),))
    records = []
    for n, log_params in enumerate(sizes.log_params):
        common = generator.normal(0, 1.5, seeds)
        for v in range(len(truth)):
            for seed in range(seeds):
                percent = truth[v, n] + common[seed] + generator.normal(0, noise[v])
                records.append((f"size {n}", f"variant {v}", seed, 2.0 * math.exp(percent / 100), 10**log_params))
    columns = ("size", "variant", "seed", "val_bpb", "non_embedding_params")
    return pl.DataFrame(records, schema=columns, orient="row").with_columns(status=pl.lit("done"))


# --- effects drawn from the model itself


@dataclass(frozen=True)
class Known:
    """How effects scatter: ``spread`` in percent, ``memory`` in decades, ``slope`` in percent a decade."""

    spread: float
    memory: float
    slope: float

    def covariance(self, sizes: Sizes) -> np.ndarray:
        """[S + 1, S + 1] of one variant's effects, the target last."""
        return hierarchy.scattered(np.array([self.spread, self.memory, self.slope]), sizes.place)


def draw_known(generator: np.random.Generator) -> Known:
    """From the priors."""
    spread = TYPICAL_SPREAD * math.exp(generator.normal(0, hierarchy.SPREAD_FACTOR))
    slope = hierarchy.SLOPE_MEDIAN * math.exp(generator.normal(0, hierarchy.SLOPE_FACTOR))
    return Known(spread, float(generator.choice(published_reliability().memory)), slope)


def draw_truth(variants: int, sizes: Sizes, known: Known, generator: np.random.Generator) -> Truth:
    root = np.linalg.cholesky(known.covariance(sizes) + 1e-12 * np.eye(sizes.count + 1))
    return generator.standard_normal((variants, sizes.count + 1)) @ root.T


def oracle(trials: pl.DataFrame, sizes: Sizes, seeds: int, noise: float, known: Known) -> tuple[np.ndarray, np.ndarray]:
    """Mean and SD [V] of the effects at the target, to the mean of all, for one who knows how everything scatters."""
    wide = trials.with_columns(pl.col("val_bpb").log() * 100).group_by("variant", "size", maintain_order=True)
    seen = wide.agg(pl.col("val_bpb").mean()).sort("variant", "size")["val_bpb"].to_numpy()
    count = sizes.count
    seen = seen.reshape(-1, count)
    seen = seen - seen.mean(axis=0)
    prior = known.covariance(sizes)
    # every size's common level is out, so variants are alike: one regression on the sizes serves all
    gain = np.linalg.solve(prior[:count, :count] + noise**2 / seeds * np.eye(count), prior[:count, count])
    left = prior[count, count] - prior[count, :count] @ gain
    return seen @ gain, np.full(len(seen), math.sqrt(left * (1 - 1 / len(seen))))


def _from_the_model(
    variants: int, sizes: Sizes, seeds: int, studies: int, random_seed: int, bins: list[tuple[float, bool]]
) -> list[Row]:
    name = f"{variants} variants, {_named(sizes)}, {seeds} seeds"
    noise, inside, widths, wrong = 0.1, [], [], 0
    regrets = np.zeros(3)
    for at, generator in _studies(studies, random_seed):
        known = draw_known(generator)
        effects = draw_truth(variants, sizes, known, generator)
        trials = simulated_trials(effects, sizes, seeds, noise, generator)
        found = carry_to_target(trials, target_params=_TARGET, random_seed=at)
        covered, width = _held(found, effects)
        inside.append(covered)
        widths.append(width / (2 * 1.96 * oracle(trials, sizes, seeds, noise, known)[1].mean()))
        lead, best, gap = _outcome(found, effects)
        bins.append((found.p_leader, lead == best))
        wrong += found.decided and gap[lead] > 0
        regrets += gap[[lead, *_simple_choices(trials, sizes)]]
    mean = regrets / studies
    found_rows = [
        Row(name, "coverage of 95 % intervals at the target", (0.93, 0.98), float(np.mean(inside)), studies),
        Row(name, "width over an oracle's (median)", (0, 2), float(np.median(widths)), studies, share=False),
        Row(name, "wrong decisions", (0, 0.05), wrong / studies, studies),
    ]
    if sizes.count > 1:
        words = f"regret, % of the loss (largest size alone {mean[1]:.2f}, lines {mean[2]:.2f})"
        found_rows.append(Row(name, words, (0, float(min(mean[1:])) * 1.1), float(mean[0]), studies, share=False))
    return found_rows


def _simple_choices(trials: pl.DataFrame, sizes: Sizes) -> tuple[int, int]:
    """The best at the largest size alone, and the best on a line through each variant's means."""
    means = trials.group_by("variant", "size", maintain_order=True).agg(pl.col("val_bpb").log().mean())
    cells = means.sort("variant", "size")["val_bpb"].to_numpy().reshape(-1, sizes.count)
    largest = int(cells[:, -1].argmin())
    if sizes.count < 2:
        return largest, largest
    cells = cells - cells.mean(axis=0)
    line = np.polynomial.polynomial.polyfit(sizes.log_params, cells.T, 1)
    return largest, int((line[0] + line[1] * math.log10(_TARGET)).argmin())


def _binned(bins: list[tuple[float, bool]]) -> list[Row]:
    found = []
    for low, high in _BINS:
        own = [(p, right) for p, right in bins if low <= p < high]
        if len(own) >= 20:
            claimed = float(np.mean([p for p, _ in own]))
            share = float(np.mean([right for _, right in own]))
            promised = (max(0.0, claimed - 0.05), min(1.0, claimed + 0.05))
            found.append(
                Row("all of the above", f"leader is best where P(best) is {claimed:.2f}", promised, share, len(own))
            )
    return found


# --- fixed truths


def _overtaken(sizes: Sizes, noise: float, studies: int, random_seed: int) -> Row:
    """The leader of all sizes is behind a rival at the target, which comes up from 0.3 % and crosses half-way; 5 others are flat."""
    past = sizes.place - sizes.place[-2]
    wrong = 0
    for at, generator in _studies(studies, random_seed):
        others = np.maximum(generator.normal(0, 0.5, 5), -0.5)[:, None] + 0 * past
        truth = np.vstack([0 * past, -1 + 0 * past, -0.7 - 0.6 / sizes.away * past, others])
        found = carry_to_target(
            simulated_trials(truth, sizes, 3, noise, generator), target_params=_TARGET, random_seed=at
        )
        wrong += found.decided and found.leader != "variant 2"
    name = f"a rival overtakes before the target, noise {noise:g} %, {_named(sizes)}"
    return Row(name, "wrong decisions", (0, 0.05), wrong / studies, studies)


def _no_trend(variants: int, studies: int, random_seed: int) -> Row:
    sizes, claimed = Sizes(3, 1, 2), 0
    for at, generator in _studies(studies, random_seed):
        truth = generator.normal(0, 1, (variants, 1)) + np.zeros(sizes.count + 1)
        trials = simulated_trials(truth, sizes, 3, 0.1, generator)
        found = carry_to_target(trials, "variant 0", target_params=_TARGET, random_seed=at)
        claimed += any(one.trend in ("shrinks", "grows", "flips") for one in found.effects)
    return Row(
        f"no trend in truth, {variants} variants", "studies that claim one", (0, 0.05), claimed / studies, studies
    )


Drawn = Callable[[Sizes, np.random.Generator], Truth]


def _coverage(
    name: str, drawn: Drawn, promised: tuple[float, float], studies: int, random_seed: int, *, noisy: float = 1.0
) -> list[Row]:
    """Intervals and decisions under another truth than the model's."""
    studies, sizes = max(20, studies), Sizes(3, 1, 2)
    inside, wrong = [], 0
    for at, generator in _studies(studies, random_seed):
        truth = drawn(sizes, generator)
        noise = np.full(len(truth), 0.1)
        noise[-1] *= noisy
        found = carry_to_target(
            simulated_trials(truth, sizes, 3, noise, generator), target_params=_TARGET, random_seed=at
        )
        inside.append(_held(found, truth)[0])
        lead, _, gap = _outcome(found, truth)
        wrong += found.decided and gap[lead] > 0
    return [
        Row(name, "coverage of 95 % intervals at the target", promised, float(np.mean(inside)), studies),
        Row(name, "wrong decisions", (0, 0.05), wrong / studies, studies),
    ]


def _drawn(variants: int) -> Drawn:
    return lambda sizes, generator: draw_truth(variants, sizes, draw_known(generator), generator)


def _lines(sizes: Sizes, generator: np.random.Generator) -> Truth:
    straight = 0.3 * generator.standard_normal((5, 1)) * sizes.place
    return generator.normal(0, 1, (5, 1)) + straight + generator.normal(0, 0.05, (5, sizes.count + 1))


def _heavy(sizes: Sizes, generator: np.random.Generator) -> Truth:
    straight = 0.2 * generator.standard_t(2, (5, 1)) * sizes.place
    return generator.normal(0, 1, (5, 1)) + straight + generator.normal(0, 0.05, (5, sizes.count + 1))


def _level_off(sizes: Sizes, generator: np.random.Generator) -> Truth:
    """Straight up to the largest size, then as it is there."""
    place = np.minimum(sizes.place, sizes.place[-2])
    return generator.normal(0, 1, (5, 1)) + generator.normal(0, 0.5, (5, 1)) * place + 0.0


# --- shared


def _studies(count: int, random_seed: int) -> Iterator[tuple[int, np.random.Generator]]:
    for number in range(count):
        yield number, np.random.default_rng([random_seed, number])


def _held(found: AtTarget, truth: Truth) -> tuple[float, float]:
    """Share of the variants whose effect at the target, to the mean of all, lies in its interval; mean width."""
    own = found.samples - found.samples.mean(axis=1, keepdims=True)
    low, high = np.quantile(own, [0.025, 0.975], axis=0)
    true = truth[:, -1] - truth[:, -1].mean()
    return float(((low < true) & (true < high)).mean()), float((high - low).mean())


def _outcome(found: AtTarget, truth: Truth) -> tuple[int, int, np.ndarray]:
    """Numbers of the leader and of the best, and [V] what each gives away."""
    gap = truth[:, -1] - truth[:, -1].min()
    return list(found.p_best).index(found.leader), int(gap.argmin()), gap


def _named(sizes: Sizes) -> str:
    if sizes.count == 1:
        return f"one size {10**sizes.away:.0f} times below"
    return f"{sizes.count} sizes over {10**sizes.span:.2g} times, {10**sizes.away:.0f} times below"
