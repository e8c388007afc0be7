"""The noise floor over seeds, and what could be seen at all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl
from scipy import optimize, special

from studylib.analysis.seed_effects import draw
from studylib.analysis.twoway import TwoWay, fit_two_way
from studylib.errors import invalid
from studylib.notebook import fields


@dataclass(frozen=True)
class NoiseFloor:
    """How much two trials differ for no reason, in units of the metric (bits per byte), at the size that decides.

    Attributes
    ----------
    at
        That size; empty where the trials have none.
    paired_sd
        SD of one trial of a typical variant after the seed's common effect is removed.
    unpaired_sd
        SD over seeds inside a variant.
    mde
        Minimum detectable effect: the true difference to a baseline that ``compare_to_baseline`` finds significant in 4 of 5
        studies, with these seeds and this many comparisons.
    comparisons
        Variants held against the baseline: Holm's correction is for all of them.
    seeds
        Number of seeds the ``mde`` refers to (the median over variants).
    dof
        Degrees of freedom behind the noise of a difference.
    """

    at: str
    paired_sd: float
    unpaired_sd: float
    mde: float
    comparisons: int
    seeds: int
    dof: float

    def as_dict(self) -> dict[str, float]:
        """For ``IdeaResult.noise_floor``."""
        return {
            "paired_sd": self.paired_sd,
            "unpaired_sd": self.unpaired_sd,
            "mde": self.mde,
            "comparisons": float(self.comparisons),
            "seeds": float(self.seeds),
        }

    def _repr_html_(self) -> str:
        """In a notebook: each figure with what it means."""
        unit = "bits per byte"
        return fields(
            {
                "size that decides": self.at,
                f"noise of one trial once its seed's common part is removed (paired SD), {unit}": self.paired_sd,
                f"over seeds alone (SD), {unit}": self.unpaired_sd,
                f"minimum detectable effect, {unit}": self.mde,
                "of comparisons": self.comparisons,
                "with seeds": self.seeds,
            }
        )

    def mde_with(self, seeds: int) -> float:
        """What more seeds would detect."""
        dof = max(1.0, self.dof * (seeds - 1) / (self.seeds - 1))
        return minimum_detectable_effect(self.paired_sd, seeds, dof=dof, alpha=0.05 / self.comparisons)


def deciding_size(frame: pl.DataFrame) -> str:
    """The largest size (or the last, if parameters are not known) of those with a variant that finished two seeds.

    One seed says nothing of the noise, so such a size decides nothing; where no size has more, the largest it is.
    """
    # Without embeddings: a large vocabulary makes a small model large.
    known = next((name for name in ("non_embedding_params", "params") if name in frame.columns), None)
    order = frame.sort(pl.col(known).median().over("size"), maintain_order=True) if known else frame
    rows = order.filter(pl.col("val_bpb").is_finite().fill_null(False))
    several = rows.filter(pl.col("seed").n_unique().over("size", "variant") > 1)
    return str((several if len(several) else order)["size"][-1])


def noise_floor(frame: pl.DataFrame) -> NoiseFloor:
    """The noise of a typical variant at the size that decides (`deciding_size`).

    Sizes are not pooled: small models are noisier, and what could be seen at the deciding size would look coarser than it is.

    Parameters
    ----------
    frame
        Trials of one size or several (column ``size``).

    Raises
    ------
    StudyError
        The size has no two variants with two seeds in common.
    """
    at = ""
    if "size" in frame.columns:
        at = deciding_size(frame)
        frame = frame.filter(pl.col("size") == at)
    fit = fit_two_way(frame)
    error, dof = typical_noise(fit)
    seeds = int(np.median([len(found) for found in fit.seeds.values()]))
    comparisons = len(fit.variants) - 1
    mde = minimum_detectable_effect(error, seeds, dof=dof, alpha=0.05 / comparisons) if seeds > 1 else np.inf
    return NoiseFloor(
        at=str(at),
        paired_sd=error,
        unpaired_sd=fit.unpaired_sd,
        mde=float(mde),
        comparisons=comparisons,
        seeds=seeds,
        dof=dof,
    )


def typical_noise(fit: TwoWay) -> tuple[float, float]:
    """SD of one trial of a typical variant, seeds' common effects taken out, and the degrees of freedom it is known with."""
    _, noise = draw(fit, draws=2_000)
    ranked = np.argsort(np.median(noise, axis=0), kind="stable")
    typical = ranked[len(ranked) // 2]
    found = sorted(as_t((noise[:, one] ** 2 + noise[:, typical] ** 2) / 2) for one in ranked if one != typical)
    return found[len(found) // 2]


def as_t(variances: np.ndarray) -> tuple[float, float]:
    """Draws of a variance as a scale and degrees of freedom: those of the t distribution that stands for them.

    Matches mean and variance of the logarithm to those of a scaled inverse chi-square (as Smyth 2004 does).
    """
    log = np.log(variances)
    spread = max(float(log.var()), 1e-4)
    half = optimize.brentq(lambda a: float(special.polygamma(1, a)) - spread, 1e-2, 1e5)
    return float(np.exp((log.mean() + special.digamma(half) - np.log(half)) / 2)), 2 * half


def minimum_detectable_effect(
    sd: float, seeds: int, *, dof: float | None = None, power: float = 0.8, alpha: float = 0.05
) -> float:
    """True difference of two variants that ``seeds`` pairs find in a share ``power`` of studies (two-sided t test).

    The noise is an estimate, so two things vary: what the noise truly is, given the estimate, and what another study would
    take it for. Averaged over both, as here, a study whose truth is the effect it printed finds it in the share ``power``; with
    the estimate taken for the truth that is 58-75 % where the degrees of freedom are few.

    Parameters
    ----------
    sd
        Residual SD of one trial, estimated with ``dof`` degrees of freedom; a difference of two has ``sqrt(2)`` times that.
    seeds
        Pairs, at least 2.
    dof
        ``seeds - 1`` when only this one pair of variants informs the noise.
    alpha
        Level of the test; with Holm's correction the level over the number of comparisons.
    """
    if seeds < 2:
        raise invalid("seeds", seeds, "is too few: a minimum detectable effect needs at least 2")
    if sd == 0:
        return 0.0
    dof = seeds - 1 if dof is None else dof
    return _detectable(round(float(dof), 2), alpha, power) * sd * (2.0 / seeds) ** 0.5


@lru_cache(maxsize=1024)
def _detectable(dof: float, alpha: float, power: float) -> float:
    """The detectable effect over the estimated standard error."""
    places = (np.arange(128) + 0.5) / 128
    variance = 2 * special.gammaincinv(dof / 2, places) / dof  # estimated over true, at equally likely places
    threshold = special.stdtrit(dof, 1 - alpha / 2) * np.sqrt(variance)  # over the true standard error

    def excess(effect: float) -> float:
        true = effect * np.sqrt(variance)[:, None]  # a study that estimated too much has the smaller truth
        return float((special.ndtr(true - threshold) + special.ndtr(-true - threshold)).mean()) - power

    # With one degree of freedom the limit is 39 standard errors: the bracket must reach far.
    upper = 4.0
    while excess(upper) < 0:
        upper *= 2.0
    return float(optimize.brentq(excess, 1e-6, upper, xtol=1e-4))
