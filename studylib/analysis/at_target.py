"""Which variant is best at a size that nobody trained: one model over all sizes, carried to the target.

See ``hierarchy`` for the model and its priors. With one size the memory comes from public ladders alone, so little is said about what
lies far away; nothing is a special case. The recipe's lines take these very draws (`AtTarget.behind`, handed on in each `Tried`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl

from studylib.analysis import margin
from studylib.analysis.compared import Compared, behind, costs
from studylib.analysis.hierarchy import EffectDraws, Measured, draw_effects, measured
from studylib.analysis.over_sizes import OverSizes
from studylib.analysis.paired import holm
from studylib.analysis.posterior import Standing
from studylib.analysis.seed_effects import draw_noise
from studylib.errors import invalid
from studylib.notebook import line, records
from studylib.numbers import percent
from studylib.result import TargetVerdict

Trend = Literal["holds", "shrinks", "grows", "flips", "differs", "unclear", "one size"]
Interval = tuple[float, float, float]  # low, middle, high
# Two variants that nobody compared are known to be no further apart than so many percent of the loss (`TYPICAL_SPREAD` of each, 95 %).
WIDEST = 2.8
MARGIN = 100 * margin.MARGIN  # percent of the loss
_BAR = 0.9  # P(best) from which it is decided
_APART = 2.576 / 1.960  # a 99 % interval over one of 95 %
_KNOWN = 0.05  # of its SD: below, a difference is hardly one, and draws do not settle it


@dataclass(frozen=True)
class CarriedEffect:
    """One variant's effect over sizes and at the target, in percent of the reference's loss; negative is better.

    Attributes
    ----------
    measured
        (low, middle, high) by size, smallest first: the paired difference and its 95 % interval, each size by itself.
    effects
        The same after all sizes and variants were looked at together.
    slope
        Change in ten times as many parameters; None with one size.
    target
        At the target; None where the interval is wider than `WIDEST` and than the effect itself: not supported.
    p_better
        Probability that it is better than the reference at the target.
    trend
        ``shrinks``, ``grows`` or ``flips``: over three sizes or more (two cannot tell a slope from what one size was not tuned for)
        the slope is of one sign after Holm's correction for all variants, and leads the effect towards zero, away from it, or across.
        ``differs``: no slope that could be seen, but the smallest and the largest size, each by itself, are apart (99 %).
        ``holds``: an effect at the largest size, and neither of these. ``unclear``: nothing of all this.
    """

    variant: str
    measured: dict[str, Interval]
    effects: dict[str, Interval]
    slope: Interval | None
    target: Interval | None
    p_better: float
    trend: Trend

    @property
    def change(self) -> Interval | None:
        """From the smallest to the largest size, each by itself, with 95 %; None with one size."""
        return _change(list(self.measured.values())) if len(self.measured) > 1 else None

    @property
    def supported(self) -> bool:
        return self.target is not None

    def as_dict(self) -> dict[str, object]:
        """For ``IdeaResult.extrapolation``."""
        return {
            "effect_by_size": {size: list(ends) for size, ends in self.measured.items()},
            "effect_by_size_over_all_sizes": {size: list(ends) for size, ends in self.effects.items()},
            "slope_per_decade": self.slope,
            "trend": self.trend,
            "supported": self.supported,
            "p_better_at_target": self.p_better,
        } | ({"at_target": self.target} if self.target is not None else {})


@dataclass(frozen=True)
class AtTarget:
    """What the trials say about the target.

    Attributes
    ----------
    leader
        The variant with the lowest expected loss there; of those that are as good to `MARGIN`, the one that leads at the largest size.
    p_best
        Probability that each variant is best there; sums to 1.
    regret
        Expected loss given away by choosing the leader, percent of the loss.
    rivals
        Variants that are better than the leader with a probability above 5 %, the likeliest first.
    decided
        P(best) of at least 90 %, and a regret within the margin.
    effects
        Every variant against ``reference`` (which is not among them), or against the mean of all where there is none.
    sizes
        Non-embedding parameters by label, smallest first.
    samples
        [K, V] joint draws at the target, percent of the loss up to a common level, in the order of ``p_best``.
    memory
        [K] decades of parameters over which effects are forgotten, by these trials and public ladders.
    contending
        Variants that say how effects scatter: the better half where the others fail.
    compared
        By size, smallest first: the variants that were trained there.
    """

    target_params: float
    sizes: dict[str, float]
    reference: str | None
    leader: str
    p_best: dict[str, float]
    regret: float
    rivals: tuple[str, ...]
    decided: bool
    effects: tuple[CarriedEffect, ...]
    samples: np.ndarray
    memory: np.ndarray
    contending: tuple[str, ...] = ()
    compared: tuple[Compared, ...] = ()

    @property
    def factor(self) -> float:
        """How many times the largest size the target is."""
        return self.target_params / max(self.sizes.values())

    @property
    def p_leader(self) -> float:
        return self.p_best[self.leader]

    def among(self, variants: Collection[str]) -> AtTarget:
        """The same question about some of the variants; those that were not carried are left out.

        Raises
        ------
        StudyError
            None of them was carried.
        """
        names = list(self.p_best)
        kept = [place for place, name in enumerate(names) if name in variants]
        if not kept:
            raise invalid("variants", list(variants), "are none of those carried to the target", choices=names)
        samples = self.samples[:, kept]
        effects = tuple(one for one in self.effects if one.variant in variants)
        leading = _leading([names[place] for place in kept], samples, self.compared)
        return replace(self, samples=samples, effects=effects, **leading)

    def behind(self, own: str) -> dict[str, tuple[float, float]]:
        """By variant, ``own`` first: mean and SD of its loss above that of ``own`` at the target, percent of the loss."""
        return behind(list(self.p_best), self.samples, own)

    def _repr_html_(self) -> str:
        """In a notebook: a row a variant, the likeliest first; effects in percent of the reference's loss."""
        effects = {one.variant: one for one in self.effects}
        rows = [
            {"variant": name, "P(best) there": percent(p)} | _told(effects.get(name), self.sizes)
            for name, p in sorted(self.p_best.items(), key=lambda item: -item[1])
        ]
        state = "decided" if self.decided else "not decided"
        return (
            line(
                f"At {self.target_params:.2g} parameters, {self.factor:,.0f} times the largest size: {state}; {self.leader} leads, "
                f"expected regret {self.regret:.2g} % of the loss."
            )
            + records(rows)
            + line(f"Effects in percent of the loss of {self.reference or 'all on average'}, 95 %; negative is better.")
        )

    def verdict(self) -> TargetVerdict:
        """For ``IdeaResult.at_target``."""
        return TargetVerdict(
            target_params=self.target_params,
            sizes=tuple(self.sizes),
            times_the_largest_size=self.factor,
            winner=self.leader,
            decided=self.decided,
            p_best=self.p_best,
            expected_regret_percent=self.regret,
            rivals=self.rivals,
        )


def _told(effect: CarriedEffect | None, sizes: Mapping[str, float]) -> dict[str, str]:
    """The cells of one variant; the reference, which has no effect, has none filled."""
    if effect is None:
        return dict.fromkeys([*sizes, "at the target", "trend"], "")
    ends = {size: _interval(effect.effects.get(size)) for size in sizes}
    return ends | {"at the target": _interval(effect.target) or "not supported", "trend": effect.trend}


def _interval(ends: Interval | None) -> str:
    return "" if ends is None else f"{ends[1]:+.2f} ({ends[0]:+.2f} to {ends[2]:+.2f})"


def carry_to_target(
    trials: pl.DataFrame,
    reference: str | None = None,
    *,
    target_params: float = 1e10,
    errors: Mapping[str, np.ndarray] | None = None,
    random_seed: int = 0,
) -> AtTarget:
    """Every variant's effect over sizes, and which is best at ``target_params`` (non-embedding).

    Parameters
    ----------
    trials
        One row a trial, of one size or several, at the accounting wanted. A variant need not be there at every size; trials that did
        not finish are left out.
    reference
        The variant that effects are told against; the decision does not depend on it.
    errors
        [K] joint draws of the error that moving a cell to the accounting made, in bits per byte, by ``size/variant``.

    Raises
    ------
    StudyError
        No size has two variants that share seeds, there is nothing to judge the noise by, or ``reference`` has no trial.
    """
    if not target_params > 0:
        raise invalid("target_params", target_params, "is not positive")
    table = OverSizes.of(trials)
    if reference is not None and reference not in table.variants:
        raise invalid("reference", reference, "has no finished trial", choices=table.variants)
    generator = np.random.default_rng(random_seed)
    noise = draw_noise(*table.arrays, generator=generator).variance
    data = measured(*table.arrays)
    x = np.log10(list(table.sizes.values()))
    draws = draw_effects(
        data, x, math.log10(target_params), noise, errors=table.errors(errors), generator=generator
    )  # fmt: skip

    compared = tuple(_compared(table, draws, noise))
    return AtTarget(
        target_params=target_params,
        sizes=table.sizes,
        reference=reference,
        effects=_effects(table, data, noise, draws, reference, generator),
        samples=draws.target,
        memory=draws.memory,
        contending=tuple(name for name, contends in zip(table.variants, draws.contending, strict=True) if contends),
        compared=compared,
        **_leading(table.variants, draws.target, compared),
    )


def _compared(table: OverSizes, draws: EffectDraws, noise: np.ndarray) -> Iterator[Compared]:
    sd = np.sqrt(np.median(noise, axis=0))  # [V, S]
    _, variant, size, _ = table.arrays
    for n in range(len(table.sizes)):
        here = np.unique(variant[size == n])
        names = tuple(table.variants[v] for v in here)
        known = costs(table.trials.filter(pl.Series(size == n)))
        yield Compared(names, draws.sizes[:, here, n], float(np.median(sd[here, n])), *known, draws.spread_median)


def _leading(variants: Sequence[str], samples: np.ndarray, compared: Sequence[Compared]) -> dict[str, Any]:
    standing = Standing.of(samples, _leader(variants, samples, compared))
    return {
        "leader": variants[standing.lead],
        "p_best": dict(zip(variants, standing.best.tolist(), strict=True)),
        "regret": standing.regret,
        "rivals": tuple(variants[i] for i in standing.rivals),
        "decided": standing.state(_BAR, MARGIN) == "ahead",
    }


def _leader(variants: Sequence[str], samples: np.ndarray, compared: Sequence[Compared]) -> int:
    """Place of the lowest mean; where that differs from others by less than what matters or can be known, as where nothing of what was
    seen is left, of these the one that leads at the largest size where two of them were compared."""
    mean = samples.mean(axis=0)
    unknown = _KNOWN * (samples - samples[:, [mean.argmin()]]).std(axis=0)
    near = [variants[place] for place in np.flatnonzero(mean - mean.min() <= np.maximum(MARGIN, unknown))]
    here = next((found for one in reversed(compared) if (found := one.among(near)) is not None), None)
    return int(mean.argmin()) if here is None else variants.index(here.variants[here.samples.mean(axis=0).argmin()])


def _effects(
    table: OverSizes,
    data: Measured,
    noise: np.ndarray,
    draws: EffectDraws,
    reference: str | None,
    generator: np.random.Generator,
) -> tuple[CarriedEffect, ...]:
    def against(values: np.ndarray) -> np.ndarray:
        """[K, V, ...] differences to the reference, or to the mean of all."""
        level = values.mean(axis=1) if reference is None else values[:, table.variants.index(reference)]
        return values - level[:, None]

    by_size, target, slopes = against(draws.sizes), against(draws.target), against(draws.slopes)
    alone = _alone(table, data, noise, reference, generator)
    shown = [i for i, name in enumerate(table.variants) if name != reference]
    several = len(table.sizes) > 1
    below = (slopes[:, shown] < 0).mean(axis=0)
    p_value = 2 * np.maximum(np.minimum(below, 1 - below), 0.5 / len(slopes))
    moves = holm(p_value) < 0.05
    found = []
    for place, v in enumerate(shown):
        raw = {name: one for name, one in zip(table.sizes, alone[v], strict=True) if one is not None}
        effects = {name: _ends(_percent(by_size[:, v, n])) for n, name in enumerate(table.sizes) if name in raw}
        ends = _ends(_percent(target[:, v]))
        slope = _ends(slopes[:, v]) if several else None
        found.append(
            CarriedEffect(
                table.variants[v],
                raw,
                effects,
                slope,
                ends if ends[2] - ends[0] <= max(WIDEST, abs(ends[1])) else None,
                float((target[:, v] < 0).mean()),
                _trend(list(raw.values()), list(effects.values()), slope, bool(moves[place])),
            )
        )
    return tuple(found)


def _alone(
    table: OverSizes, data: Measured, noise: np.ndarray, reference: str | None, generator: np.random.Generator
) -> list[list[Interval | None]]:
    """Of every variant and size the paired difference by itself; None where one of the two is not there."""
    cells = data.variant * len(table.sizes) + data.size
    by_trial = noise.reshape(len(noise), -1)[:, cells]  # [J, T]
    luck = generator.standard_normal(20 * len(noise))
    found: list[list[Interval | None]] = []
    for v in range(len(table.variants)):
        own: list[Interval | None] = []
        for n in range(len(table.sizes)):
            here = np.unique(data.variant[data.size == n])
            wanted = np.zeros(len(table.variants))
            wanted[v] += 1
            if reference is None:
                wanted[here] -= 1 / len(here)
            else:
                wanted[table.variants.index(reference)] -= 1
            if v not in here or not set(np.flatnonzero(wanted)) <= set(here) or not wanted.any():
                own.append(None)
                continue
            weights = (wanted @ data.contrasts[:, :, n].T) @ data.maps  # contrasts are orthonormal within a size
            sd = np.sqrt(by_trial @ weights**2)
            own.append(_ends(_percent(float(weights @ data.y) + np.tile(sd, 20) * luck)))
        found.append(own)
    return found


def _percent(log: np.ndarray) -> np.ndarray:
    return 100 * np.expm1(log / 100)


def _ends(draws: np.ndarray) -> Interval:
    low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975])
    return float(low), float(middle), float(high)


def _trend(measured: list[Interval], effects: list[Interval], slope: Interval | None, moves: bool) -> Trend:
    def sign(ends: Interval) -> int:
        return -1 if ends[2] < 0 else 1 if ends[0] > 0 else 0

    if len(effects) < 2:
        return "one size"
    first, last = sign(effects[0]), sign(effects[-1])
    if moves and slope is not None and len(effects) > 2 and (first or last):
        if first and last and first != last:
            return "flips"
        towards_zero = (1 if slope[1] > 0 else -1) != (first or last)
        return "shrinks" if towards_zero else "grows"
    low, middle, high = _change(measured)
    if abs(middle) > _APART * (high - low) / 2:
        return "differs"
    return "holds" if last else "unclear"


def _change(measured: Sequence[Interval]) -> Interval:
    half = math.hypot(*((ends[2] - ends[0]) / 2 for ends in (measured[0], measured[-1])))
    middle = measured[-1][1] - measured[0][1]
    return middle - half, middle, middle + half
