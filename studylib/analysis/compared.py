"""Variants side by side at one size: what a later decision has to know of how they were compared there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from studylib.analysis.twoway import finished

if TYPE_CHECKING:
    from studylib.analysis.decision import Decision


class Costs(NamedTuple):
    """Of finished trials of one size: parameters without embeddings, the fewest seeds of a variant, and a trial's FLOPs (the median)."""

    params: float
    seeds: int
    trial_flops: float | None


@dataclass(frozen=True)
class Compared:
    """What trials of one size say of their variants.

    Attributes
    ----------
    variants
        Names.
    samples
        [K, V] joint draws of their losses there, percent of the loss up to a common level.
    noise_percent
        SD of one trial, percent of the loss, once the seed's common effect is out.
    params
        Parameters without embeddings.
    seeds
        Of each variant, the fewest.
    trial_flops
        Of one trial, the median; None where it is not known.
    spread_percent
        SD of true effects over variants of such a choice, by all sizes together; None where they were not looked at together.
    """

    variants: tuple[str, ...]
    samples: np.ndarray
    noise_percent: float
    params: float
    seeds: int
    trial_flops: float | None
    spread_percent: float | None = None

    @classmethod
    def of(cls, decision: Decision, trials: pl.DataFrame, metric: str = "val_bpb") -> Compared | None:
        """What ``decision`` saw in ``trials`` of one size; None where those do not say how large their models are."""
        if "non_embedding_params" not in trials.columns:
            return None
        variants = tuple(decision.p_best)
        rows = finished(trials, metric).filter(pl.col("variant").cast(pl.String).is_in(variants))
        scale = 100 / abs(float(rows[metric].mean()))
        return cls(variants, scale * decision.samples, scale * decision.sd, *costs(rows))

    def among(self, names: Collection[str]) -> Compared | None:
        """Of some of the variants; None where fewer than two of them were compared here."""
        kept = [place for place, name in enumerate(self.variants) if name in names]
        if len(kept) < 2:
            return None
        return replace(self, variants=tuple(self.variants[place] for place in kept), samples=self.samples[:, kept])

    def behind(self, own: str) -> dict[str, tuple[float, float]]:
        """By variant, ``own`` first: posterior mean and SD of its loss above that of ``own``, percent of the loss."""
        return behind(self.variants, self.samples, own)


def behind(variants: Sequence[str], samples: np.ndarray, own: str) -> dict[str, tuple[float, float]]:
    """By variant, ``own`` first: mean and SD of its draws ([K, V]) above those of ``own``."""
    place = variants.index(own)
    gaps = samples - samples[:, [place]]
    order = [place, *(n for n in range(len(variants)) if n != place)]
    return {variants[n]: (float(gaps[:, n].mean()), float(gaps[:, n].std())) for n in order}


def costs(rows: pl.DataFrame, variant: str = "variant") -> Costs:
    """See `Costs`."""
    seeds = rows.group_by(variant).agg(pl.col("seed").n_unique())["seed"].min()
    flops = rows["flops"].cast(pl.Float64).median() if "flops" in rows.columns else None
    return Costs(float(rows["non_embedding_params"].median()), int(seeds), float(flops) if flops else None)


def largest(compared: Sequence[Compared], names: Collection[str], own: str) -> Compared | None:
    """Of sizes, smallest first, the largest where ``own`` was compared with another of ``names``, with those of them."""
    for one in reversed(compared):
        here = one.among(names)
        if here is not None and own in here.variants:
            return here
    return None
