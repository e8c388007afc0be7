"""What tuned models answer: right by item and seed, over wordings, against their start, and over the distance from it.

Rows are those of ``read_evaluation_rows``: one an item (and wording) that a trial was asked. Seeds and items are crossed, as in
``crossed``: another study would have other ones of both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy import stats

from studylib.analysis.crossed import crossed_means, crossed_slope
from studylib.analysis.paired import estimate, holm

JUDGED = ("truth", "topic", "manner", "ending")
_LEVEL = 0.05
_NORMAL = float(stats.norm.ppf(1 - _LEVEL / 2))
_NEEDED = _NORMAL + float(stats.norm.ppf(0.8))  # standard errors that are found in 4 of 5 studies
_MOST_SEEDS = 64


def accuracy_table(rows: pl.DataFrame, untuned: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, float | None]]:
    """How many questions each variant has right, against chance and against the model that all began with.

    Parameters
    ----------
    rows
        ``variant, seed, item, right, chance``; several rows an item, such as its wordings, count as their mean.
    untuned
        ``item, right`` of one model; may be empty.

    Returns
    -------
    The columns of `crossed_means`; ``beyond`` (above chance, with Holm's correction for all variants), ``needed`` (seeds that find
    such a model above chance in 4 of 5 studies with as many questions; null: more than 64), ``gain, gain_low, gain_high``
    (to the untuned model on the same items; null without it) and ``gained`` (beyond chance, Holm). The untuned model's ``mean,
    low, high`` over items, and ``chance``.
    """
    each = rows.group_by(*_asked(rows, "variant"), maintain_order=True).agg(pl.col("right", "chance").mean())
    chance = float(each["chance"].mean())
    table = crossed_means(each, "right", expected=chance).drop("p")
    above = crossed_means(each.with_columns(above=pl.col("right") - pl.col("chance")), "above")
    table = table.with_columns(
        beyond=_sure(above["p"]) & (above["mean"] > 0),
        needed=pl.Series([_seeds_needed(row) for row in above.iter_rows(named=True)], dtype=pl.Int64),
    )
    before = untuned.group_by("item").agg(pl.col("right").mean().alias("before")) if len(untuned) else None
    start: dict[str, float | None] = dict.fromkeys(("mean", "low", "high")) | {"chance": chance}
    gains = pl.DataFrame(
        schema={"variant": pl.String, "mean": pl.Float64, "low": pl.Float64, "high": pl.Float64, "p": pl.Float64}
    )
    if before is not None:
        both = each.join(before, on="item").with_columns(gain=pl.col("right") - pl.col("before"))
        gains = crossed_means(both, "gain").select(gains.columns)
        alone = crossed_means(before.with_columns(variant=pl.lit(""), seed=pl.lit(0)), "before")
        start |= {name: alone[name][0] for name in ("mean", "low", "high")}
    gains = gains.with_columns(gained=_sure(gains["p"])).drop("p")
    gains = gains.rename({"mean": "gain", "low": "gain_low", "high": "gain_high"})
    return table.join(gains, on="variant", how="left", maintain_order="left"), start


def _seeds_needed(row: dict[str, float | None]) -> int | None:
    """So many that the mean is `_NEEDED` standard errors above nothing, with the noise of this study."""
    if row["mean"] is None or row["mean"] <= 0:
        return None
    for seeds in range(1, _MOST_SEEDS + 1):
        if row["mean"] >= _NEEDED * ((row["of_seeds"] or 0.0) / seeds + row["of_items"]) ** 0.5:
            return seeds
    return None


def wordings_table(
    rows: pl.DataFrame, values: Sequence[str] = ("right", "margin")
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Mean over held-out wordings and spread between them, by how many the model was tuned on.

    Parameters
    ----------
    rows
        ``wordings`` (tuned on), ``seed, item, wording`` and each of ``values``. An item need not be asked in every wording.

    Returns
    -------
    ``wordings, value, seeds, mean, low, high`` (over seeds and items), ``spread, spread_low, spread_high``: the standard deviation
    between wordings without the noise of finitely many items (an item's own difficulty and what else is left of its answers), 95 %
    over seeds, for these wordings. And by value what twice as many trained wordings change: ``value``, then of the mean (``what`` is mean)
    and of the spread: ``change, low, high, p``.
    """
    found, slopes = [], []
    counts = rows["wordings"].unique().sort()
    for value in values:
        own = rows.group_by(*_asked(rows, "wordings")).agg(pl.col(value).mean()).sort("wordings", "seed", "item")
        means = crossed_means(own.with_columns(variant=pl.col("wordings").cast(pl.String)), value)
        variances = {
            key: wording_variance(part, value) for key, part in rows.group_by("wordings", "seed", maintain_order=True)
        }
        for count in counts:
            each = np.array([found for (of, _), found in variances.items() if of == count])
            middle, (low, _) = estimate(each) if len(each) > 1 else (float(each.mean()), (None, None))
            half = None if low is None else middle - low
            middle = max(middle, 0.0)  # what chance makes negative is none, and as uncertain
            ends = (None, None) if half is None else (max(middle - half, 0.0) ** 0.5, (middle + half) ** 0.5)
            spread = [middle**0.5, *ends]
            mean = means.row(by_predicate=pl.col("variant") == str(count), named=True)
            found.append(
                {"wordings": count, "value": value} | {name: mean[name] for name in ("seeds", "mean", "low", "high")}
                | dict(zip(("spread", "spread_low", "spread_high"), spread, strict=True))
            )  # fmt: skip
        doubled = own.with_columns(pl.col("wordings").cast(pl.Float64).log(2).alias("doublings"))
        change = crossed_slope(doubled, value, item="item", along="doublings")
        slopes.append(
            {"value": value, "what": "mean", "change": change["mean"]}
            | {one: change[one] for one in ("low", "high", "p")}
        )
        slopes.append({"value": value, "what": "spread"} | _slope_of_spreads(variances))
    return pl.DataFrame(found, infer_schema_length=None), pl.DataFrame(slopes, infer_schema_length=None)


def wording_variance(rows: pl.DataFrame, value: str) -> float:
    """Variance between wordings in one trial, what items explain and chance taken out; below 0 where there is less than chance makes.

    Items and wordings are fitted together, as not every item is asked in all; with one wording an item its difficulty is chance too.
    """
    y = rows[value].to_numpy().astype(float)
    items, wordings = (np.unique(rows[name].to_numpy(), return_inverse=True)[1] for name in ("item", "wording"))
    count = int(wordings.max()) + 1
    repeated = len(y) > int(items.max()) + 1
    of_wording = np.eye(count)[wordings]
    if repeated:  # the items' own means out of both sides
        sizes = np.bincount(items)
        y = y - (np.bincount(items, y) / sizes)[items]
        own = np.zeros((len(sizes), count))
        np.add.at(own, items, of_wording)
        of_wording = of_wording - (own / sizes[:, None])[items]
    else:
        y = y - y.mean()
    inverse = np.linalg.pinv(of_wording.T @ of_wording)
    effects = inverse @ of_wording.T @ y
    free = len(y) - count - (int(items.max()) if repeated else 0)
    if count < 2 or free < 1:
        return 0.0
    noise = float(((y - of_wording @ effects) ** 2).sum()) / free
    centre = np.eye(count) - 1 / count
    return float(effects @ centre @ effects - noise * np.trace(centre @ inverse @ centre)) / (count - 1)


def _slope_of_spreads(variances: dict[tuple, float]) -> dict[str, float | None]:
    """Of the standard deviation between wordings, for twice as many trained ones; its noise is that of the seeds."""
    slopes = []
    for seed in {seed for _, seed in variances}:
        # Chance makes variances of nothing negative as often as positive: cut off at 0, their roots would have no noise.
        own = sorted(
            (count, math.copysign(abs(found) ** 0.5, found)) for (count, of), found in variances.items() if of == seed
        )
        if len(own) > 1:
            slopes.append(float(np.polyfit(np.log2([count for count, _ in own]), [spread for _, spread in own], 1)[0]))
    if len(slopes) < 2:
        return {"change": slopes[0] if slopes else None, "low": None, "high": None, "p": None}
    middle, (low, high) = estimate(np.array(slopes))
    p = float(stats.ttest_1samp(slopes, 0.0).pvalue) if np.std(slopes) else float(middle == 0)
    return {"change": middle, "low": low, "high": high, "p": p}


def wins_table(rows: pl.DataFrame, starts: pl.DataFrame) -> pl.DataFrame:
    """How often each variant's answers are better than its start's, at the same seed and prompt; a tie is half.

    Parameters
    ----------
    rows
        ``variant, start, seed, item``, `JUDGED`, ``score`` and ``characters``.
    starts
        ``start, seed, item`` and the same.

    Returns
    -------
    A row a variant and ``value`` (score, each of `JUDGED`, characters): the columns of `crossed_means`, of the share won, or of the
    length's change as a share of the start's; ``start``; ``sure``: not a half, or no change, beyond chance with Holm's correction for
    all variants of the value; ``detectable``: the difference that such an interval finds in 4 of 5 studies.
    """
    values = ["score", *JUDGED, "characters"]
    before = starts.select("start", "seed", "item", *(pl.col(name).alias(f"{name} before") for name in values))
    both = rows.join(before, on=["start", "seed", "item"], how="inner", maintain_order="left")
    started = dict(rows.select("variant", "start").unique().rows())
    tables = []
    for value in values:
        change = pl.col(value) - pl.col(f"{value} before")
        if value == "characters":
            own = both.with_columns(_=change / pl.col(f"{value} before").mean().over("variant"))
        else:
            own = both.with_columns(_=(change.sign() + 1) / 2)
        table = crossed_means(own, "_", expected=0.0 if value == "characters" else 0.5)
        half = (pl.col("high") - pl.col("low")) / 2
        tables.append(
            table.with_columns(value=pl.lit(value), sure=_sure(table["p"]), detectable=half * _NEEDED / _NORMAL)
        )
    return pl.concat(tables).with_columns(start=pl.col("variant").replace_strict(started, return_dtype=pl.String))


def optimisation_table(rows: pl.DataFrame, starts: pl.DataFrame) -> pl.DataFrame:
    """The model's reward and the true score over the distance from the start, both in standard deviations of the start's answers.

    Parameters
    ----------
    rows
        ``method, variant, start, seed, item, kl`` (nats), ``reward, score``.
    starts
        ``start, seed, item, reward, score``.

    Returns
    -------
    A row a variant, by method and rising ``kl``: ``method, variant, seeds, items, kl``, and of ``reward`` and ``score`` the change
    at the same seed and prompt with its 95 %: ``reward, reward_low, reward_high, score, ...``; ``fell, fell_low, fell_high``: by how much
    the score is above the one where it is highest in this method (at 0 for that one and those nearer to the start) and
    ``turned``: below it beyond chance (Holm, over the method), while the model's reward is no lower.
    """
    before = starts.select(
        "start", "seed", "item", *(pl.col(name).alias(f"{name} before") for name in ("reward", "score"))
    )
    both = rows.join(before, on=["start", "seed", "item"], how="inner", maintain_order="left")
    if both.is_empty():
        return pl.DataFrame()
    scale = {name: float(starts[name].std() or 0.0) or 1.0 for name in ("reward", "score")}
    both = both.with_columns((pl.col(name) - pl.col(f"{name} before")) / scale[name] for name in scale)
    tables = []
    for (method,), own in both.group_by(["method"], maintain_order=True):
        means = {name: crossed_means(own, name) for name in ("kl", *scale)}
        table = means["kl"].select(
            pl.lit(method).alias("method"), "variant", "seeds", "items", pl.col("mean").alias("kl")
        )
        for name in scale:
            ends = means[name].select(
                pl.col("mean").alias(name), *(pl.col(end).alias(f"{name}_{end}") for end in ("low", "high"))
            )
            table = pl.concat([table, ends], how="horizontal")
        tables.append(_turns(table.sort("kl"), own))
    return pl.concat(tables)


def _turns(table: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """`optimisation_table`'s last columns, of one method. The highest is chosen by the same answers: that counts as so many
    comparisons more."""
    top = int(table["score"].arg_max())
    peak = table.row(top, named=True)
    nearest = peak["score"] < 0  # nothing is above the start itself, where the score's change is 0
    best = rows.filter(pl.col("variant") == peak["variant"])
    best = best.select("seed", "item", ((0.0 if nearest else 1.0) * pl.col("score")).alias("best"))
    beyond = table["variant"][0 if nearest else top + 1 :].to_list()
    later = rows.filter(pl.col("variant").is_in(beyond)).join(best, on=["seed", "item"], maintain_order="left")
    fell = crossed_means(later.with_columns(fell=pl.col("score") - pl.col("best")), "fell")
    sure = _sure((fell["p"] * (len(table) + 1)).clip(0.0, 1.0))
    fell = fell.with_columns(turned=sure & (fell["mean"] < 0)).select(
        "variant",
        pl.col("mean").alias("fell"),
        pl.col("low").alias("fell_low"),
        pl.col("high").alias("fell_high"),
        "turned",
    )
    joined = table.join(fell, on="variant", how="left", maintain_order="left")
    kept = pl.col("turned").fill_null(False) & (pl.col("reward") >= (0.0 if nearest else peak["reward"]))
    return joined.with_columns(pl.col("fell", "fell_low", "fell_high").fill_null(0.0), turned=kept)


def _asked(rows: pl.DataFrame, variant: str) -> list[str]:
    """What one trial was asked: two trials of a variant and seed are not averaged, but refused where they are compared."""
    return [name for name in ("hash", variant, "seed", "item") if name in rows.columns]


def _sure(p: pl.Series) -> pl.Series:
    return pl.Series(holm(p.cast(pl.Float64).fill_null(np.nan).to_numpy()) < _LEVEL, dtype=pl.Boolean)
