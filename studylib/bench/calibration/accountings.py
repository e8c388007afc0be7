"""Whole studies with a known loss surface, decided under every accounting.

A dearer variant (FLOPs a token, memory) stands among others of which it is the best or not, by a little; every run is whole, with
noise, and what is true is the best variant at exactly equal cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from studylib.analysis import accountings, decide_moved
from studylib.bench.calibration._table import Row

TITLE = "Accountings: equal FLOPs, tokens, seconds, memory"

_SIZES = (2e4, 4e4, 8e4)
_TOKENS_PER_PARAM, _STEP = 3, 512
_NOISE, _SEED_SD, _SEEDS = 0.001, 0.004, 3
_REFERENCE = "reference"
_WINDOWS = 6
Basis = str


@dataclass(frozen=True)
class Variant:
    """One variant's truth: its loss is ``level`` times the surface's, with its own exponent of tokens."""

    cost: float = 1.0  # FLOPs a token, of the reference's
    speed: float = 1.0  # tokens a second, of the reference's
    level: float = 1.0
    exponent: float = 0.30
    memory: float = 1.0

    def loss(self, params: float, tokens: float, bend: float) -> float:
        """Bits per byte. ``bend`` makes the surface steeper at larger sizes than its form allows."""
        scale = 60 * (1.5e5) ** (self.exponent - 0.30)
        steeper = 1 + bend * np.log(params / _SIZES[1])
        middle = _TOKENS_PER_PARAM * params
        along = scale * middle**-self.exponent * ((tokens / middle) ** (-self.exponent * steeper))
        return self.level * (0.5 + 30 * params**-0.34 + along)


@dataclass(frozen=True)
class Scenario:
    """What is simulated: the variants, which lengths are trained beside, how noisy the speeds are."""

    name: str
    variants: Mapping[str, Variant]
    lengths: tuple[float, ...] = (0.5,)  # of the reference, at every size
    trained: tuple[Basis, ...] = ()  # accountings for which every variant of the largest size has a run of its own
    speed_noise: float = 0.02
    bend: float = 0.0
    several: tuple[float, ...] = ()  # lengths of every variant, as shares of the reference's tokens (vocabularies)


def _rivals(cost: float, *, at: Basis = "flops", gain: float = 0.005, **own: float) -> dict[str, Variant]:
    """A variant that costs more is the best of four by ``gain``, at the largest size and equal in ``at``; ``own`` is its other truth."""
    plain, dear = Variant(), Variant(**({"cost": cost, "memory": cost, "speed": 1 / cost} | own))
    size, tokens = _SIZES[-1], _TOKENS_PER_PARAM * _SIZES[-1]
    level = (1 - gain) * plain.loss(size, tokens, 0.0) / dear.loss(size, tokens * _given(dear, at), 0.0)
    return {
        _REFERENCE: plain,
        "dear": replace(dear, level=level),
        "cheap": Variant(cost=0.95, level=1.006, speed=1.05),
        "worse": Variant(level=1.02),
    }


def _given(variant: Variant, basis: Basis) -> float:
    """Tokens of the variant by the reference's, exactly equal in ``basis``."""
    return {"flops": 1 / variant.cost, "seconds": variant.speed}.get(basis, 1.0)


def scenarios() -> list[Scenario]:
    """The default list."""
    both = ("tokens", "seconds")
    vocabulary = {
        _REFERENCE: Variant(),
        "half": Variant(cost=0.8, speed=1.2, level=1.012, exponent=0.29),
        "twice": Variant(cost=1.4, speed=0.75, level=0.960, exponent=0.31),
        "four times": Variant(cost=2.2, speed=0.5, level=0.945, exponent=0.32),
    }
    return [
        Scenario("dear 2x", _rivals(2.0)),
        Scenario("dear 2x, trained for each", _rivals(2.0), trained=both),
        Scenario("dear 1.25x", _rivals(1.25)),
        Scenario("dear 2x, best at equal tokens", _rivals(2.0, at="tokens")),
        Scenario("dear 1.25x, best at equal tokens", _rivals(1.25, at="tokens")),
        Scenario("dear 1.25x, other exponents", _rivals(1.25, exponent=0.33)),
        Scenario("dear 1.25x, other exponents, trained", _rivals(1.25, exponent=0.33), trained=both),
        Scenario("slopes differ by size", _rivals(1.25), bend=0.15),
        Scenario("no other length", _rivals(1.25), lengths=()),
        Scenario("speeds 5 %", _rivals(1.1, at="seconds"), speed_noise=0.05),
        Scenario("speeds 15 %", _rivals(1.1, at="seconds"), speed_noise=0.15),
        Scenario("vocabularies", vocabulary, lengths=(), several=(0.75,)),
    ]


def simulate(
    one: Scenario, generator: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, list[float]]]:
    """Trials at equal FLOPs, runs of other lengths, and the speeds' windows."""
    race, others, speeds = [], [], {}
    for size in _SIZES:
        tokens = _TOKENS_PER_PARAM * size
        for name, variant in one.variants.items():
            speed = variant.speed * 1e5
            speeds[f"{size:g}/{name}"] = list(speed * np.exp(generator.normal(0, one.speed_noise, _WINDOWS)))
        common = generator.normal(0, _SEED_SD, _SEEDS)
        for name, variant in one.variants.items():
            own = tokens / variant.cost
            lengths = [own, *(tokens * share for share in one.several)]
            if name == _REFERENCE:
                lengths += [tokens * share for share in one.lengths]
            if size == _SIZES[-1]:
                rate = np.median(speeds[f"{size:g}/{name}"]) / np.median(speeds[f"{size:g}/{_REFERENCE}"])
                lengths += [tokens * {"tokens": 1.0, "seconds": rate}[basis] for basis in one.trained]
            for place, length in enumerate(dict.fromkeys(max(2, round(length / _STEP)) for length in lengths)):
                for seed in range(_SEEDS if place == 0 or one.several or one.trained else 2):
                    noise = common[seed] + generator.normal(0, _NOISE)
                    row = {
                        "size": f"{size:g}", "variant": name, "seed": seed, "status": "done", "tokens": length * _STEP,
                        "flops": variant.cost * length * _STEP, "non_embedding_params": size,
                        "memory_bytes": variant.memory * 1e9,
                        "val_bpb": variant.loss(size, length * _STEP, one.bend) * np.exp(noise),
                    }  # fmt: skip
                    (race if place == 0 else others).append(row)
    return pl.DataFrame(race), pl.DataFrame(others, schema=pl.DataFrame(race).schema), speeds


def truth(one: Scenario, basis: Basis) -> dict[str, float]:
    """Every variant's loss at the largest size, exactly equal in ``basis``; equal memory leaves out what needs more."""
    size, tokens = _SIZES[-1], _TOKENS_PER_PARAM * _SIZES[-1]
    middle = float(np.median([variant.memory for variant in one.variants.values()]))
    fits = {name for name, variant in one.variants.items() if basis != "memory" or variant.memory <= 1.05 * middle}
    return {
        name: one.variants[name].loss(size, tokens * _given(one.variants[name], basis), one.bend)
        for name in sorted(fits)
    }


def rows(studies: int, random_seed: int) -> list[Row]:
    """Wrong decisions at most 5 %; beside it, how often it is decided and how often the accounting has no verdict."""
    found = []
    for one in scenarios():
        generator = np.random.default_rng(random_seed)
        counts: dict[str, dict[str, int]] = {}
        for _ in range(studies):
            race, others, speeds = simulate(one, generator)
            for basis, moved in accountings(race, others, reference=_REFERENCE, speeds=speeds).items():
                decision = decide_moved(moved, f"{_SIZES[-1]:g}", draws=2000)
                count = counts.setdefault(basis, {"wrong": 0, "decided": 0, "refused": 0})
                losses = truth(one, basis)
                count["decided"] += decision.ahead
                count["wrong"] += decision.ahead and decision.leader != min(losses, key=losses.get)
                count["refused"] += decision.leader is None
        for basis, count in counts.items():
            said = (
                f"wrong decisions ({count['decided'] / studies:.0%} decided, {count['refused'] / studies:.0%} refused)"
            )
            found.append(Row(f"{one.name}: {basis}", said, (0, 0.05), count["wrong"] / studies, studies))
    return found
