"""Joint draws of the variants' losses: what every probability of the study is counted from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl

from studylib.analysis.seed_effects import draw
from studylib.analysis.twoway import TwoWay, fit_two_way
from studylib.errors import invalid

State = Literal["ahead", "equivalent", "open"]
_RIVAL = 0.05
# Scale of the prior on the spread of variants, of the mean loss: the differences published for shapes and structures.
SPREAD = 0.03


@dataclass(frozen=True)
class Posterior:
    """Joint posterior draws of the variants' losses.

    Attributes
    ----------
    variants
        Names, in order of first appearance.
    samples
        [K, V] losses up to a level common to a draw, in units of the metric.
    level
        Mean loss, in units of the metric.
    sd
        Noise of one trial of each variant, once the seed's common effect is out (posterior median).
    seeds
        Seeds each variant finished.
    """

    variants: tuple[str, ...]
    samples: np.ndarray
    level: float
    sd: dict[str, float]
    seeds: dict[str, tuple[int, ...]]

    def gaps(self, name: str) -> dict[str, float]:
        """Posterior mean of each variant's difference to ``name``."""
        mean = self.samples.mean(axis=0)
        reference = mean[self.variants.index(name)]
        return {one: float(value - reference) for one, value in zip(self.variants, mean, strict=True)}

    def among(self, names: Collection[str]) -> Posterior:
        """The same draws of some of the variants, so what is known of the noise is known from all."""
        kept = [place for place, name in enumerate(self.variants) if name in names]
        return replace(
            self, variants=tuple(self.variants[place] for place in kept), samples=self.samples[:, kept],
            sd={name: sd for name, sd in self.sd.items() if name in names},
            seeds={name: seeds for name, seeds in self.seeds.items() if name in names},
        )  # fmt: skip

    def moved(self, errors: Mapping[str, np.ndarray]) -> Posterior:
        """With what else is not known of the losses: [K] joint draws by variant, such as the error of a move to equal FLOPs.

        The same index is the same draw of whatever moved the losses, for all variants.

        Raises
        ------
        StudyError
            An error of a variant that is not here.
        """
        samples = self.samples.copy()
        for name, error in errors.items():
            if name not in self.variants:
                raise invalid("errors", name, "is not a variant with finished trials", choices=self.variants)
            samples[:, self.variants.index(name)] += np.resize(np.asarray(error, dtype=float), len(samples))
        return replace(self, samples=samples)

    def contrast(self, weights: Mapping[str, float]) -> tuple[float, float, float]:
        """Mean of a weighted sum of losses with its 95 % interval; the weights must sum to 0, as levels are not known."""
        if abs(sum(weights.values())) > 1e-9:
            raise invalid("weights", dict(weights), "do not sum to 0")
        sums = self.samples @ np.array([weights.get(name, 0.0) for name in self.variants])
        low, high = np.quantile(sums, [0.025, 0.975])
        return float(low), float(sums.mean()), float(high)


@dataclass(frozen=True)
class Standing:
    """Who leads in joint draws, how surely, and what choosing the leader gives away.

    Attributes
    ----------
    lead
        Place of the variant with the lowest mean.
    best
        [V] probability that each is best; sums to 1.
    regret
        Expected loss given away by choosing the leader, in units of the draws.
    better
        [V] probability that each is better than the leader.
    """

    lead: int
    best: np.ndarray
    regret: float
    better: np.ndarray

    @property
    def rivals(self) -> list[int]:
        """Those that may be better than the leader (with more than 5 %), the likeliest first."""
        return [int(i) for i in np.argsort(-self.better, kind="stable") if self.better[i] > _RIVAL]

    def state(self, bar: float, margin: float) -> State:
        """The rule of every decision, at a size and at the target.

        ``ahead``: P(best) of the leader reaches ``bar``, and the regret is within the margin. ``equivalent``: P(best) does
        not, yet choosing the leader costs less than the margin, so more seeds are not worth it. ``open``: neither.
        """
        if self.regret > margin:
            return "open"
        return "ahead" if self.best[self.lead] >= bar else "equivalent"

    @classmethod
    def of(cls, samples: np.ndarray, lead: int | None = None) -> Standing:
        """From [K, V] joint draws of losses; ``lead``: how another variant than the leader stands, as if it led."""
        lead = int(samples.mean(axis=0).argmin()) if lead is None else lead
        return cls(
            lead=lead,
            best=np.bincount(samples.argmin(axis=1), minlength=samples.shape[1]) / len(samples),
            regret=float((samples[:, lead] - samples.min(axis=1)).mean()),
            better=(samples < samples[:, [lead]]).mean(axis=0),
        )


def fit_posterior(
    trials: pl.DataFrame | TwoWay,
    metric: str = "val_bpb",
    *,
    variant: str = "variant",
    exchangeable: bool = True,
    free: tuple[str, ...] = (),
    draws: int = 8_000,
    random_seed: int = 0,
) -> Posterior:
    """Draws for the variants of one size (model and sources in ``seed_effects``).

    Parameters
    ----------
    trials
        One row a trial, of one size; or its fit.
    exchangeable
        Whether the variants scatter about a common mean. The data say how widely (half-Cauchy prior, scale 3 % of the mean
        loss), and so how far a lucky draw is pulled back: without that, the best of many equal variants looks like a winner.
    free
        Variants that do not belong to that scatter.

    Raises
    ------
    StudyError
        Fewer than two variants or seeds (see ``fit_two_way``).
    """
    fit = trials if isinstance(trials, TwoWay) else fit_two_way(trials, metric, variant=variant)
    level = float(fit.effects.mean())
    spread = SPREAD * abs(level) if exchangeable else None
    samples, noise = draw(fit, draws=draws, spread=spread, free=free, random_seed=random_seed)
    return Posterior(
        variants=fit.variants,
        samples=samples,
        level=level,
        sd=dict(zip(fit.variants, map(float, np.median(noise, axis=0)), strict=True)),
        seeds=fit.seeds,
    )
