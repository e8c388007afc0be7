"""Mixtures of simulated kinds: whether the region holds the optimum, and what is said of regrets and of equal shares is so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from studylib.analysis.mixtures import REGION, fit_mixture, share_columns
from studylib.bench.calibration._table import Row

TITLE = "Mixtures and their best one"

_LEVEL = 2.0  # bits per byte
_SURE = 0.9
Surface = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Truth:
    """A kind of simulated study: mixtures of the centroid design, paired seeds.

    ``powers``: the loss is a sum of powers of each kind's amount, to which other kinds help along; a form that the fit does not know.
    Otherwise a quadratic whose terms are drawn as the fit expects them. ``noise``: of a trial, percent. ``most``: kinds in a mixture
    beside the one of all.
    """

    name: str
    kinds: int = 3
    powers: bool = False
    noise: float = 0.5
    seeds: int = 3
    most: int = 2

    @property
    def names(self) -> list[str]:
        return [f"kind {place}" for place in range(self.kinds)]

    @property
    def design(self) -> np.ndarray:
        """[V, kinds] equal shares of one kind, of two ..., of all."""
        sizes = sorted({*range(1, self.most + 1), self.kinds})
        chosen = [one for size in sizes for one in combinations(range(self.kinds), size)]
        return np.array([[(kind in one) / len(one) for kind in range(self.kinds)] for one in chosen])

    def surface(self, generator: np.random.Generator) -> Surface:
        """A true loss over [N, kinds] mixtures, percent of its level."""
        count = self.kinds
        if self.powers:
            weight, power = generator.uniform(0.5, 2, count), generator.uniform(0.02, 0.15, count)
            helped = generator.uniform(0, 0.4, (count, count))
            np.fill_diagonal(helped, 1)
            return lambda x: 100 * (weight * (x @ helped + 0.02) ** -power).mean(axis=1) / weight.mean()
        pairs = list(combinations(range(count), 2))
        scales = np.abs(np.tan(np.pi / 2 * generator.uniform(0, 0.9, 2))) * (5, 3)
        linear, blends = generator.normal(0, scales[0], count), generator.normal(0, scales[1], len(pairs))
        return lambda x: (
            100 + x @ linear + sum(b * 4 * x[:, i] * x[:, j] for b, (i, j) in zip(blends, pairs, strict=True))
        )

    def draw(self, generator: np.random.Generator) -> tuple[pl.DataFrame, Surface]:
        """Trials of one study, and the true loss."""
        surface = self.surface(generator)
        means, of_seed = surface(self.design), generator.normal(0, 1, self.seeds)
        rows = [
            {"variant": f"mixture {place}", "seed": seed, "status": "done", "size": "100k"}
            | dict(zip(share_columns(self.names), own.tolist(), strict=True))
            | {"val_bpb": _LEVEL / 100 * (means[place] + of_seed[seed] + generator.normal(0, self.noise))}
            for place, own in enumerate(self.design)
            for seed in range(self.seeds)
        ]
        return pl.DataFrame(rows), surface


TRUTHS = (
    Truth("2 kinds, quadratic", kinds=2),
    Truth("2 kinds, sums of powers", kinds=2, powers=True),
    Truth("3 kinds, quadratic"),
    Truth("3 kinds, quadratic, noise 1.5 %", noise=1.5),
    Truth("3 kinds, sums of powers", powers=True),
    Truth("3 kinds, one at a time and all", powers=True, most=1),
    Truth("4 kinds, quadratic", kinds=4),
    Truth("4 kinds, sums of powers", kinds=4, powers=True),
)


def rows(studies: int, random_seed: int) -> list[Row]:
    found: list[Row] = []
    for truth in TRUTHS:
        found += _held(truth, studies, random_seed)
    return found


def _held(truth: Truth, studies: int, random_seed: int) -> list[Row]:
    each = []
    for number in range(studies):
        generator = np.random.default_rng([random_seed, number])
        trials, surface = truth.draw(generator)
        fit = fit_mixture(trials, truth.names)
        loss, even = surface(fit.lattice), np.full(truth.kinds, 1 / truth.kinds)
        use, equal = surface(np.array([fit.use, even]))
        sure = fit.beats(fit.use, even) >= _SURE
        lost = 100 * (use - loss.min()) / loss.mean()
        each.append((fit.region[loss.argmin()], lost, fit.regret(fit.use), sure and use > equal))
    covers, lost, said, wrong = np.array(each, dtype=float).T
    return [
        Row(truth.name, f"coverage of the optimum's {100 * REGION:.0f} % region", (REGION - 0.02, 1), covers.mean(), studies),
        Row(truth.name, "true regret of the mixture to use, times what was said", (0, 1.1), lost.mean() / said.mean(), studies, share=False),
        Row(truth.name, "said to beat equal shares, and does not (of all studies)", (0, 1 - _SURE), wrong.mean(), studies),
    ]  # fmt: skip
