"""The same items asked of models of several variants and seeds: means, and differences at equal items and seeds.

Other seeds and other items might both have come out otherwise, so a mean's variance is the sum of two: that of the items'
means over seeds, and that of the seeds' means over items (Owen 2007, doi 10.1214/07-AOAS122; what neither explains is in both,
so the sum errs on the wide side). Items that have more in common than others are clusters, and their sums are what varies. Three
seeds tell little of their own noise; it is taken to be the same in all variants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from studylib.analysis.paired import holm
from studylib.errors import StudyError, invalid

_LEVEL = 0.05
_ENDS = dict.fromkeys(("mean", "low", "high", "p"))


def crossed_table(
    rows: pl.DataFrame,
    value: str,
    *,
    item: str,
    group: Sequence[str],
    chance: float,
    baseline: str,
    cluster: str = "",
    limits: tuple[float, float] = (-np.inf, np.inf),
) -> pl.DataFrame:
    """Mean of ``value`` by group and variant, and its difference to ``baseline``.

    Parameters
    ----------
    rows
        A row a trial and item: ``variant``, ``seed``, the columns of ``group``, ``item`` and ``value``.
    chance
        Mean of a model that knows nothing.
    cluster
        A column that is equal for items which have more in common than others; empty: no two have.
    limits
        Of ``value``: an interval ends there.

    Returns
    -------
    A row a group and variant: the columns of ``group``, ``variant, seeds, items, mean, low, high`` (95 %), ``beyond_chance``, ``difference,
    difference_low, difference_high, significant``. The two claims hold with Holm's correction for all rows of the table. Without
    two seeds (in common with the baseline), or of fewer than two items, ends and differences are null: there is no noise to
    judge by.

    Raises
    ------
    StudyError
        Unknown baseline, or two trials of one variant and seed.
    """
    names = rows["variant"].unique(maintain_order=True).to_list()
    if baseline not in names:
        raise invalid("baseline", baseline, "is not a variant of these trials", choices=names)
    found: list[dict[str, Any]] = []
    for labels, own in rows.group_by(group, maintain_order=True):
        values, here, clusters = _cells(own, value, item, cluster)
        if not len(clusters):  # other trials were asked others
            continue
        for place, name in enumerate(here):
            weights = np.eye(len(here))[place]
            mean = contrast(values, weights, chance, clusters)
            against = _ENDS
            if name != baseline and baseline in here:
                against = contrast(values, weights - np.eye(len(here))[here.index(baseline)], clusters=clusters)
            found.append(
                dict(zip(group, labels, strict=True))
                | {"variant": name, "items": len(clusters), "seeds": int(_present(values)[place].sum())}
                | {"mean": mean["mean"], "low": _within(mean["low"], limits), "high": _within(mean["high"], limits)}
                | {"difference": against["mean"], "difference_low": against["low"], "difference_high": against["high"]}
                | {"p_chance": mean["p"], "p_difference": against["p"]}
            )
    table = pl.DataFrame(found, schema={one: rows.schema[one] for one in group} | _SCHEMA)
    claims = (("p_chance", "beyond_chance"), ("p_difference", "significant"))
    return table.with_columns(
        pl.Series(claim, holm(table[p].fill_null(np.nan).to_numpy()) < _LEVEL) for p, claim in claims
    ).drop("p_chance", "p_difference")


_SCHEMA = {
    "variant": pl.String, "items": pl.Int64, "seeds": pl.Int64, "mean": pl.Float64, "low": pl.Float64,
    "high": pl.Float64, "difference": pl.Float64, "difference_low": pl.Float64, "difference_high": pl.Float64,
    "p_chance": pl.Float64, "p_difference": pl.Float64,
}  # fmt: skip


def crossed_slope(
    rows: pl.DataFrame, value: str, *, item: str, along: str, cluster: str = ""
) -> dict[str, float | None]:
    """By how much ``value`` rises per unit of ``along`` (a number that stands in the place of the variant): see `contrast`."""
    values, places, clusters = _cells(rows.with_columns(variant=pl.col(along)), value, item, cluster)
    x = np.array(places, dtype=float)
    x -= x.mean()
    return contrast(values, x / (x @ x), clusters=clusters) if len(x) > 1 else _ENDS | {}


def crossed_means(
    rows: pl.DataFrame, value: str, *, item: str = "item", expected: float = 0.0, cluster: str = ""
) -> pl.DataFrame:
    """Mean of ``value`` by variant, over the items that all of them were asked; of one seed too.

    Returns
    -------
    A row a variant, in order of first appearance: ``variant, seeds, items, mean, low, high`` (95 %), ``p`` of its being ``expected``, and what
    the interval is made of: ``of_seeds``, variance of one trial's mean over items, and ``of_items``, of the items' mean. With one seed,
    or where nothing is left of the seeds' noise, ``of_seeds`` is null and the interval is that of other items alone.
    """
    values, names, clusters = _cells(rows, value, item, cluster)
    found = []
    for place, name in enumerate(names if len(clusters) else ()):
        own = values[place][:, _present(values)[place]]  # [items, seeds]
        weights = np.eye(len(names))[place]
        variance, dof = _seed_noise(values, paired=False)
        of_items, others = _item_noise(own.mean(axis=1), clusters)
        ends = contrast(values, weights, expected, clusters)
        if ends["low"] is None and others:
            ends = _ended(ends["mean"], max(of_items, 1e-24), others, expected)
        sure = own.shape[1] > 1 and dof > 0
        parts = {"of_seeds": variance if sure else None, "of_items": of_items}
        found.append({"variant": name, "seeds": own.shape[1], "items": len(clusters)} | ends | parts)
    schema = {"variant": pl.String, "seeds": pl.Int64, "items": pl.Int64}
    return pl.DataFrame(found, schema=schema | dict.fromkeys((*_ENDS, "of_seeds", "of_items"), pl.Float64))


def contrast(
    values: np.ndarray,
    weights: Sequence[float] | np.ndarray,
    expected: float = 0.0,
    clusters: np.ndarray | None = None,
) -> dict[str, Any]:
    """The weighted sum of the variants' means: ``mean``, ``low``, ``high`` (95 %) and ``p`` of its being ``expected``.

    Parameters
    ----------
    values
        [variants, items, seeds]; NaN where a variant lacks a seed.
    weights
        [variants]; where they add up to nothing, what is common to a seed falls out.
    clusters
        [items] the number of each one's cluster; None: each is its own.
    """
    weights = np.asarray(weights, dtype=float)
    used, known = weights != 0, _present(values)
    seeds = known[used].all(axis=0)
    if not seeds.any():
        return _ENDS | {}
    cells = np.tensordot(weights[used], values[used][:, :, seeds], axes=1)  # [items, seeds]
    mean = float(cells.mean())
    variance, dof = _seed_noise(values, paired=abs(weights.sum()) < 1e-9)
    of_items, others = _item_noise(cells.mean(axis=1), np.arange(len(cells)) if clusters is None else clusters)
    if seeds.sum() < 2 or others < 1 or not dof:
        return _ENDS | {"mean": mean}
    parts = np.array([variance * (weights @ weights) / seeds.sum(), of_items])
    total = max(float(parts.sum()), 1e-24)
    freedom = total**2 / max(float((parts**2 / [dof, others]).sum()), 1e-48)  # Satterthwaite
    return _ended(mean, total, freedom, expected)


def _ended(mean: float, variance: float, dof: float, expected: float) -> dict[str, float]:
    half = float(stats.t.ppf(1 - _LEVEL / 2, dof)) * variance**0.5
    p = float(2 * stats.t.sf(abs(mean - expected) / variance**0.5, dof))
    return {"mean": mean, "low": mean - half, "high": mean + half, "p": p}


def _seed_noise(values: np.ndarray, *, paired: bool) -> tuple[float, float]:
    """Variance of one trial's mean over items around its variant's (``paired``: and its seed's) level, and its degrees of freedom.

    Not paired, what all variants of a seed have in common counts as often as there are seeds, not as there are trials.
    """
    variant, seed = np.nonzero(_present(values))
    means = values.mean(axis=1)[variant, seed]
    of_variant, of_seed = np.eye(values.shape[0])[variant], np.eye(values.shape[2])[seed]
    alone, dof = _left_over(of_variant, means)
    both, dof_both = _left_over(np.hstack([of_variant, of_seed]), means)
    if paired:
        return both / max(dof_both, 1), dof_both
    parts = [(alone - both, dof - dof_both), (both, dof_both)]
    spread = sum(part**2 / freedom for part, freedom in parts if freedom)
    return alone / max(dof, 1), alone**2 / spread if spread else float(dof)


def _item_noise(of_items: np.ndarray, clusters: np.ndarray) -> tuple[float, int]:
    """Variance of the mean of [items] values, and its degrees of freedom; 0 of both with a single cluster."""
    sums = np.bincount(clusters, of_items - of_items.mean())
    others = len(sums) - 1
    return ((sums @ sums) * (others + 1) / others / len(of_items) ** 2 if others else 0.0), others


def _left_over(design: np.ndarray, values: np.ndarray) -> tuple[float, int]:
    """Sum of squares that the design does not explain, and its degrees of freedom."""
    solution, _, rank, _ = np.linalg.lstsq(design, values, rcond=None)
    return float(((values - design @ solution) ** 2).sum()), len(values) - int(rank)


def _present(values: np.ndarray) -> np.ndarray:
    """[variants, seeds]: which trials there are."""
    return np.isfinite(values).all(axis=1)


def _cells(rows: pl.DataFrame, value: str, item: str, cluster: str) -> tuple[np.ndarray, list[Any], np.ndarray]:
    """[variants, items, seeds] of the items that every trial was asked, the variants, and the items' clusters."""
    names, seeds = (rows[column].unique(maintain_order=True).to_list() for column in ("variant", "seed"))
    trials = rows.select("variant", "seed").n_unique()
    twice = rows.filter(pl.struct("variant", "seed", item).is_duplicated())
    if len(twice):
        name, number = twice.select("variant", "seed").row(0)
        raise StudyError(f"{name!r} has two answers for seed {number}: select one size or budget before comparing")
    asked = rows.group_by(item, maintain_order=True).agg(pl.len(), pl.col(cluster or item).first().alias("cluster"))
    asked = asked.filter(pl.col("len") == trials)
    clusters = np.unique(asked["cluster"].to_numpy(), return_inverse=True)[1]
    asked = asked[item].to_list()
    values = np.full((len(names), len(asked), len(seeds)), np.nan)
    places = [{one: place for place, one in enumerate(known)} for known in (names, asked, seeds)]
    for name, one, seed, number in rows.select("variant", item, "seed", value).iter_rows():
        if one in places[1]:
            values[places[0][name], places[1][one], places[2][seed]] = number
    return values, names, clusters


def _within(end: float | None, limits: tuple[float, float]) -> float | None:
    return None if end is None else float(np.clip(end, *limits))
