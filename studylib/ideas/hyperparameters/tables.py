"""Tables of idea 7: basins of the rate, factors one at a time, lengths of schedules, and the settings of the 10B model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from studylib import analysis
from studylib.analysis import BasinFit, Decision, OptimumLaw, RateTransfer, TokensSaved
from studylib.errors import StudyError, invalid
from studylib.ideas.hyperparameters import UNTUNED, HyperparametersParams, base
from studylib.search import SearchResult, importance
from studylib.spec import TrialSpec

BASE_WIDTH = 256  # the width at which a learning rate under CompleteP or muP is quoted


def basins(transfer: pl.DataFrame, params: HyperparametersParams) -> dict[str, dict[int, BasinFit]]:
    """The optimum of every parametrisation swept over widths, by width, at the whole budget.

    A width at which fewer than three rates finished has none and is left out.
    """
    rows = transfer.filter(pl.col("tokens_x") == 1.0)
    found: dict[str, dict[int, BasinFit]] = {}
    for init in params.rates:
        found[init] = {}
        for width in sorted(params.widths):
            try:
                own = rows.filter((pl.col("init") == init) & (pl.col("width") == width))
                found[init][width] = analysis.fit_optimum(own, "learning_rate", budget=f"{width} wide")
            except StudyError:  # too many rates diverged: the figure shows what is left
                continue
    return found


def rate_transfers(fits: Mapping[str, Mapping[int, BasinFit]]) -> dict[str, RateTransfer]:
    return {
        init: analysis.rate_transfer(list(by_width), list(by_width.values()))
        for init, by_width in fits.items()
        if by_width
    }


def rate_law(transfer: pl.DataFrame, params: HyperparametersParams) -> tuple[OptimumLaw | None, str]:
    """The best rate of the first parametrisation by size, and by tokens where several budgets were swept."""
    init = next(iter(params.rates))
    rows = transfer.filter(pl.col("init") == init)
    cells = []
    for (_, factor), own in rows.group_by(["width", "tokens_x"], maintain_order=True):
        done = own.filter(pl.col("status") == "done")
        if not len(done):
            continue
        variables = {"params": float(done["non_embedding_params"][0]), "tokens": float(done["tokens"][0])}
        try:
            cells.append((variables, analysis.fit_optimum(own, "learning_rate", budget=f"x{factor:g}")))
        except StudyError:
            continue
    target = {"params": params.target_params, "tokens": params.target_tokens}
    if len(params.token_factors) < 2:
        del target["tokens"]
    return analysis.fit_optimum_law(cells, target)


def inits_at(transfer: pl.DataFrame, params: HyperparametersParams) -> pl.DataFrame:
    """Every parametrisation at hidden_size with its best rate, found on equally many; ``variant`` is its name."""
    rows = transfer.filter((pl.col("width") == params.hidden_size) & (pl.col("tokens_x") == 1.0))
    return best_rates(rows.with_columns(pl.col("init").alias("variant")), "learning_rate")


def best_rates(trials: pl.DataFrame, rate: str) -> pl.DataFrame:
    """The trials of each variant at the ``rate`` whose mean loss is lowest, among rates at which every seed finished."""
    seeds = trials["seed"].n_unique()
    means = (
        trials.filter(pl.col("status") == "done")
        .group_by("variant", rate, maintain_order=True)
        .agg(pl.col("val_bpb").mean().alias("_mean"), pl.len().alias("_seeds"))
        .filter(pl.col("_seeds") == seeds)
        .sort("_mean")
        .unique("variant", keep="first", maintain_order=True)
    )
    return trials.join(means.select("variant", rate), on=["variant", rate], how="inner", maintain_order="left")


@dataclass(frozen=True)
class Factor:
    """One field swept with the others held: ``trials`` at each value's rate, and what they decide (None: cannot be told)."""

    name: str
    values: tuple[str, ...]
    trials: pl.DataFrame
    decision: Decision | None

    @property
    def best(self) -> str:
        return self.decision.leader.removeprefix(f"{self.name} ") if self.decision else "–"

    @property
    def rivals(self) -> tuple[str, ...]:
        """Values that cannot be told from the best."""
        return tuple(one.removeprefix(f"{self.name} ") for one in self.decision.basin[1:]) if self.decision else ()


def factors(trials: pl.DataFrame) -> list[Factor]:
    """Every factor of the family ``factor``; a tuned one at the best rate of each value."""
    found = []
    rows = trials.filter(pl.col("family") == "factor")
    for (name,), own in rows.group_by(["factor"], maintain_order=True):
        judged = best_rates(own, "lr_factor")
        try:
            decision = analysis.decide(judged)
        except StudyError:  # one value, or one seed
            decision = None
        values = tuple(own["value"].unique(maintain_order=True).to_list())
        found.append(Factor(str(name), values, judged, decision))
    return found


def against_common(found: Sequence[Factor], common: pl.DataFrame) -> pl.DataFrame:
    """All values of all factors as differences to the common recipe (``common``: its trials), for a forest."""
    shared = set(common["hash"].to_list())
    others = [one.trials.filter(~pl.col("hash").is_in(list(shared))) for one in found]
    base = common.with_columns(pl.lit("common recipe").alias("variant"))
    columns = ["variant", "seed", "status", "val_bpb"]
    return analysis.compare_to_baseline(
        pl.concat([base.select(columns), *(one.select(columns) for one in others)]).unique(
            ["variant", "seed"], maintain_order=True
        ),
        "common recipe",
    )


def schedule_table(trials: pl.DataFrame) -> pl.DataFrame:
    """By budget: a cooldown off the trunk minus a cosine run of its own, in percent of the loss.

    Columns ``share, tokens, difference, low, high`` (95 %, noise pooled over the budgets).
    """
    rows = trials.filter((pl.col("family") == "schedule") & (pl.col("schedule") != "trunk"))
    done = rows.filter(pl.col("status") == "done")
    noise = analysis.noise_floor(rows.with_columns(pl.col("schedule").alias("variant"), pl.col("share").alias("size")))
    from scipy import stats

    records = []
    for (share,), own in done.group_by(["share"], maintain_order=True):
        both = own.pivot("schedule", index="seed", values="val_bpb")
        if not {"cosine", "wsd"} <= set(both.columns):
            continue
        pairs = both.drop_nulls(["cosine", "wsd"])
        if not len(pairs):
            continue
        level = float(pairs["cosine"].mean())
        middle = float((pairs["wsd"] - pairs["cosine"]).mean())
        half = float(stats.t.ppf(0.975, noise.dof)) * noise.paired_sd * (2 / len(pairs)) ** 0.5
        ends = {"difference": middle, "low": middle - half, "high": middle + half}
        records.append(
            {"share": share, "tokens": int(own["tokens"][0])}
            | {key: 100 * value / level for key, value in ends.items()}
        )
    return pl.DataFrame(records).sort("tokens")


def epochs_table(trials: pl.DataFrame) -> pl.DataFrame:
    """Loss above fresh text by number of epochs; the row of one epoch is zero by definition."""
    rows = trials.filter(pl.col("family") == "epochs")
    counts = dict(rows.select("variant", "epochs").unique().rows())
    table = analysis.compare_to_baseline(rows, "1 epoch").filter(pl.col("low").is_not_null())
    fresh = pl.DataFrame({"epochs": [1.0], "difference": [0.0], "low": [0.0], "high": [0.0]})
    rest = table.select(
        pl.col("variant").replace_strict(counts, return_dtype=pl.Float64).alias("epochs"), "difference", "low", "high"
    )
    return pl.concat([fresh, rest]).sort("epochs")


def overfits_from(table: pl.DataFrame) -> float | None:
    """The least number of epochs surely worse than fresh text."""
    worse = table.filter((pl.col("low") > 0) & (pl.col("epochs") > 1))
    return None if worse.is_empty() else float(worse["epochs"].min())


def gains_table(optimizers: pl.DataFrame) -> pl.DataFrame:
    """What every tuned optimizer gains over AdamW as torch has it, and over AdamW tuned as it was itself."""
    rows = [
        analysis.relative_gains(optimizers, baseline).with_columns(pl.lit(label).alias("against"))
        for baseline, label in ((UNTUNED, "AdamW at its default rate"), ("adamw", "AdamW, tuned"))
    ]
    return pl.concat(rows).filter(pl.col("variant") != UNTUNED)


def in_tokens(optimizers: pl.DataFrame, ladder: pl.DataFrame) -> tuple[list[TokensSaved], str]:
    """What the smallest size's optimizers are worth in tokens of tuned AdamW; or none, and why in one line."""
    size = optimizers["size"][0]
    here = optimizers.filter(pl.col("size") == size)
    adamw = pl.col("variant") == "adamw"
    try:
        rungs = pl.concat([here.filter(adamw), ladder.filter(pl.col("size") == size)], how="diagonal")
        return analysis.tokens_saved(rungs, here.filter(~adamw), tokens="tokens"), ""
    except StudyError as error:  # one length only, or more tokens that did not help: gains stay in percent
        return [], str(error)


def importances(params: HyperparametersParams, searches: Mapping[str, SearchResult]) -> tuple[dict, str]:
    """The importance of the explored fields; or none, and why in one line."""
    if params.explored is None:
        return {}, "explored is not set"
    try:
        return importance(params.explored, searches["explored"]), ""
    except StudyError as error:  # too few points finished
        return {}, str(error)


def common_recipe(found: Sequence[Factor], specs: Sequence[TrialSpec], params: HyperparametersParams) -> pl.DataFrame:
    """The trials of the factors that are the common recipe itself (a factor's value that changes nothing).

    Raises
    ------
    StudyError
        No factor has the common recipe's own value among its values.
    """
    wanted = {base(params, params.hidden_size, seed).hash for seed in params.seeds}
    rows = pl.concat([one.trials for one in found]).filter(pl.col("hash").is_in(list(wanted)))
    if rows.is_empty():
        names = [one.name for one in found]
        raise invalid("factors", names, "lack the common recipe's own value; give it as one of a factor's values")
    return rows.unique(["hash"], maintain_order=True)


def judged(trials: pl.DataFrame) -> pl.DataFrame:
    """The trials that a table of results shows: not those that only tune, search or sweep."""
    kept = trials.filter(pl.col("family").is_in(["optimizer", "ladder", "factor", "schedule", "epochs", "objective"]))
    common_rate = pl.col("lr_factor") == 1.0
    return kept.filter(common_rate).unique(["size", "variant", "seed"], maintain_order=True)
