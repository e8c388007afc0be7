"""What a choice is worth, at each size, and how that moves with size.

Effects are differences to a baseline at the same seed. Across sizes they are compared in percent of the baseline's
loss, on a line in log10 of the parameters:

    100 * (loss / baseline's loss - 1) = effect + slope * log10(params)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from scipy import stats

from studylib.analysis.noise import minimum_detectable_effect
from studylib.analysis.paired import compare_to_baseline
from studylib.analysis.twoway import finished
from studylib.errors import StudyError, invalid

Trend = Literal["holds", "shrinks", "grows", "flips", "unclear", "one size"]
Interval = tuple[float, float, float]  # low, middle, high
_ALL = -100.0  # percent: a loss cannot fall below zero


@dataclass(frozen=True)
class EffectScaling:
    """One variant's effect over sizes, in percent of the baseline's loss; negative is better.

    Attributes
    ----------
    effects
        (low, middle, high) by size label, smallest first, with the seed noise of all variants and sizes together.
    slope
        (low, middle, high) of the change in ten times as many parameters; None with one size.
    target
        (low, middle, high) at the target size. The middle goes on along the line; the interval covers that and an effect that
        stays as it is at the largest size, each with the seeds' noise and, from three sizes on, the scatter about the line.
        No effect is more than the whole loss. None with one size.
    trend
        ``holds``: clear at the largest size, and no slope can be seen. ``shrinks`` or ``grows``: the slope is clear and
        leads towards zero or away from it. ``flips``: clearly of one sign at the smallest size and of the other at the
        largest. ``unclear``: no effect can be told at the largest size.
    mde
        Smallest effect at one size that these seeds find with 80 % power.
    decided
        Whether the sign at the target is settled: three sizes or more (two fix a line and leave nothing to tell its
        error by), and the whole interval beyond the minimum detectable effect.
    """

    variant: str
    effects: dict[str, Interval]
    slope: Interval | None
    target: Interval | None
    target_params: float
    factor: float
    trend: Trend
    mde: float

    @property
    def decided(self) -> bool:
        if self.target is None or len(self.effects) < 3:
            return False
        low, _, high = self.target
        return bool(high < -self.mde or low > self.mde)  # the ends may be numpy's

    def as_dict(self) -> dict[str, object]:
        """For ``IdeaResult.extrapolation``; percent of the baseline's loss."""
        return {
            "effect_by_size": {size: list(ends) for size, ends in self.effects.items()},
            "slope_per_decade": self.slope,
            "at_target": self.target,
            "trend": self.trend,
            "decided_at_target": self.decided,
        }


def effects_by_size(
    trials: pl.DataFrame, baseline: str, metric: str = "val_bpb", *, variant: str = "variant", size: str = "size"
) -> pl.DataFrame:
    """`compare_to_baseline` at each size: its columns, and ``size`` and ``params`` (the baseline's, without embeddings).

    ``p_holm`` is adjusted for the variants of one size.
    """
    tables = []
    for (label,), own in trials.group_by([size], maintain_order=True):
        table = compare_to_baseline(own, baseline, metric, variant=variant)
        params = own.filter(pl.col(variant) == baseline)["non_embedding_params"].cast(pl.Int64)[0]
        tables.append(table.with_columns(pl.lit(str(label)).alias("size"), pl.lit(params).alias("params")))
    if not tables:
        raise StudyError("there are no trials to compare")
    return pl.concat(tables)


def scale_effects(
    trials: pl.DataFrame,
    baseline: str,
    *,
    target_params: float = 1e10,
    metric: str = "val_bpb",
    variant: str = "variant",
    size: str = "size",
    confidence: float = 0.95,
) -> list[EffectScaling]:
    """Every variant's line over sizes, carried to ``target_params`` (non-embedding).

    The noise is pooled over variants and sizes (relative differences to the baseline, inside a variant and size). An effect that
    levels off beyond the sizes trained lies inside the interval at the target, one that speeds up or turns back does not; whoever
    reports it has to say so.

    Raises
    ------
    StudyError
        The baseline is not there, or no variant has two seeds in common with it at any size.
    """
    if not target_params > 0:
        raise invalid("target_params", target_params, "is not positive")
    pairs, sizes = _relative(trials, baseline, metric, variant=variant, size=size)
    groups = pairs.group_by("variant", "size", maintain_order=True).agg(
        pl.col("effect").mean().alias("mean"), pl.col("effect").var().alias("variance"), pl.len().alias("count")
    )
    dof = int((groups["count"] - 1).sum())
    if dof < 1:
        raise StudyError(f"a paired comparison to {baseline!r} needs at least 2 seeds in common at one size")
    spread = groups.filter(pl.col("count") > 1).select((pl.col("variance") * (pl.col("count") - 1)).sum()).item()
    sd = math.sqrt(spread / dof)
    seeds = int(groups["count"].median())
    mde = minimum_detectable_effect(sd / math.sqrt(2), seeds, dof=dof) if seeds > 1 else math.inf
    quantile = float(stats.t.ppf((1 + confidence) / 2, dof))
    found = []
    for (name,), own in groups.group_by(["variant"], maintain_order=True):
        own = own.with_columns(params=pl.col("size").replace_strict(sizes, return_dtype=pl.Float64)).sort("params")
        half = quantile * sd / np.sqrt(own["count"].to_numpy())
        ends = [(m - h, m, m + h) for m, h in zip(own["mean"], half, strict=True)]
        effects = dict(zip(own["size"], ends, strict=True))
        slope, target = _line(own, sd, quantile, math.log10(target_params), confidence)
        factor = target_params / max(sizes.values())
        trend = _trend(list(effects.values()), slope)
        found.append(EffectScaling(str(name), effects, slope, target, target_params, factor, trend, mde))
    return found


def settled_at_target(leader: str, scalings: Sequence[EffectScaling], baseline: str) -> bool:
    """Whether the leader's advantage is carried to the target: over the baseline, or the baseline's over all others."""
    if leader == baseline:
        return bool(scalings) and all(one.decided and one.target[0] > 0 for one in scalings)
    return any(one.variant == leader and one.decided and one.target[2] < 0 for one in scalings)


def _relative(
    trials: pl.DataFrame, baseline: str, metric: str, *, variant: str, size: str
) -> tuple[pl.DataFrame, dict[str, float]]:
    """Columns ``variant, size, seed, effect`` (percent), and the baseline's parameters by size."""
    rows = trials.with_columns(pl.concat_str(pl.col(size), pl.col(variant), separator="\n").alias("_cell"))
    rows = finished(rows, metric, variant="_cell").select(
        pl.col(variant).cast(pl.String).alias("variant"), pl.col(size).cast(pl.String).alias("size"),
        "seed", metric, "non_embedding_params",
    )  # fmt: skip
    base = rows.filter(pl.col("variant") == baseline)
    if base.is_empty():
        known = rows["variant"].unique(maintain_order=True).to_list()
        raise invalid("baseline", baseline, "has no finished trial", choices=known)
    sizes = {name: float(count) for name, count in base.select("size", "non_embedding_params").unique().iter_rows()}
    joined = rows.filter(pl.col("variant") != baseline).join(
        base.select("size", "seed", pl.col(metric).alias("base")), on=["size", "seed"], how="inner"
    )
    return joined.with_columns(effect=100 * (pl.col(metric) / pl.col("base") - 1)), sizes


def _line(
    own: pl.DataFrame, sd: float, quantile: float, at: float, confidence: float
) -> tuple[Interval | None, Interval | None]:
    """Slope, and value at ``at`` (log10 of parameters), from the means over seeds weighted by their number."""
    if len(own) < 2:
        return None, None
    x, y = np.log10(own["params"].to_numpy()), own["mean"].to_numpy()
    weight = own["count"].to_numpy().astype(float)
    centre = (weight * x).sum() / weight.sum()
    breadth = (weight * (x - centre) ** 2).sum()
    slope = float((weight * (x - centre) * y).sum() / breadth)
    level = float((weight * y).sum() / weight.sum())
    value = level + slope * (at - centre)
    # of a unit of noise, in the slope and in the value
    unit_slope, unit_value = 1 / math.sqrt(breadth), math.sqrt(1 / weight.sum() + (at - centre) ** 2 / breadth)
    scatter, wide = sd, quantile * sd
    if len(own) > 2:
        about = math.sqrt(float((weight * (y - level - slope * (x - centre)) ** 2).sum() / (len(own) - 2)))
        scatter = max(sd, about)
        wide = max(wide, float(stats.t.ppf((1 + confidence) / 2, len(own) - 2)) * about)
    half_slope, half_value = quantile * scatter * unit_slope, wide * unit_value
    stays, half_stays = float(y[-1]), wide / math.sqrt(weight[-1])
    low, high = min(value - half_value, stays - half_stays), max(value + half_value, stays + half_stays)
    target = (max(low, _ALL), max(value, _ALL), max(high, _ALL))
    return (slope - half_slope, slope, slope + half_slope), target


def _trend(effects: list[Interval], slope: Interval | None) -> Trend:
    def sign(ends: Interval) -> int:
        return -1 if ends[2] < 0 else 1 if ends[0] > 0 else 0

    if slope is None:
        return "one size"
    first, last, moves = sign(effects[0]), sign(effects[-1]), sign(slope)
    if first and last and first != last:
        return "flips"
    if moves and (first or last):
        towards_zero = moves != (first or last)
        return "shrinks" if towards_zero else "grows"
    return "holds" if last else "unclear"
