"""What another order of the data is worth: in tokens of the target language, and in what is forgotten on the way."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import stats

from studylib.analysis.twoway import finished, fit_two_way
from studylib.errors import StudyError

_REACH = 4.0  # how far beyond the ladder's ends it is carried on, as a factor of tokens


@dataclass(frozen=True)
class TokensSaved:
    """How many target tokens a run on the target alone would need for a variant's loss.

    Attributes
    ----------
    variant
        Its name.
    spent
        Target tokens that the variant trained on.
    needed
        (low, middle, high) target tokens of the plain run for the same loss; an end is infinite where the ladder, carried
        on along its last stretch by ``reach`` at most, does not come down to it.
    inside
        Whether the middle lies between the least and the most tokens that were trained.
    """

    variant: str
    spent: float
    needed: tuple[float, float, float]
    inside: bool

    @property
    def saved(self) -> tuple[float, float, float]:
        """``needed - spent``; negative: the variant uses the target's tokens worse than the plain run."""
        low, middle, high = self.needed
        return low - self.spent, middle - self.spent, high - self.spent

    @property
    def factor(self) -> tuple[float, float, float]:
        """``needed / spent``: what one token of the target is worth in this variant."""
        low, middle, high = self.needed
        return low / self.spent, middle / self.spent, high / self.spent

    @property
    def sure(self) -> int:
        """1: tokens are saved, -1: wasted, 0: not told apart."""
        low, _, high = self.saved
        return 1 if low > 0 else -1 if high < 0 else 0


def tokens_saved(
    ladder: pl.DataFrame,
    variants: pl.DataFrame,
    *,
    tokens: str = "target_tokens",
) -> list[TokensSaved]:
    """Read every variant's loss off the ladder of plain runs.

    Parameters
    ----------
    ladder
        Trials on the target alone at several numbers of ``tokens``, each a whole run with its own schedule (a point on the
        way of a longer run has not been annealed and would flatter the variants).
    variants
        Trials of the variants, at the ladder's seeds.

    Notes
    -----
    Between rungs log loss is linear in log tokens. Seeds are common to both sides, so the noise is that of
    ``loss = run + seed + noise`` fitted to all of them together (Fieller's way of an interval: the interval of the loss
    is carried over to tokens, so it is as wide as the ladder is flat).

    Raises
    ------
    StudyError
        Fewer than two rungs, or a ladder whose loss does not fall with more tokens.
    """
    rungs = finished(ladder.with_columns(pl.col(tokens).cast(pl.Int64).alias("_rung")), "val_bpb", variant="_rung")
    levels = (
        rungs.group_by("_rung", maintain_order=True)
        .agg(pl.col("val_bpb").log().mean(), pl.len())
        .with_columns(pl.col("_rung").cast(pl.Int64))
    )
    levels = levels.sort("_rung")
    if len(levels) < 2:
        raise StudyError(f"tokens saved need plain runs of at least 2 lengths; there is {len(levels)}")
    x, y = np.log(levels["_rung"].to_numpy().astype(float)), levels["val_bpb"].to_numpy()
    if (np.diff(y) >= 0).any():
        raise StudyError("the plain run does not get better with more tokens, so losses cannot be read as tokens")
    done = finished(variants, "val_bpb")
    sd, dof = _noise(rungs, done)
    t = float(stats.t.ppf(0.975, dof))
    found = []
    for (name,), group in done.group_by(["variant"], maintain_order=True):
        loss = float(group["val_bpb"].log().mean())
        middle = _read(loss, x, y)
        # Two means of seeds that are shared; between two rungs their average is a little less noisy, which is given away.
        error = t * sd * math.sqrt(1 / len(group) + 1 / float(levels["len"].min()))
        needed = tuple(_bounded(_read(value, x, y), x) for value in (loss + error, loss, loss - error))
        inside = x[0] <= middle <= x[-1]
        found.append(TokensSaved(str(name), float(group[tokens].mean()), needed, bool(inside)))
    return found


def _noise(rungs: pl.DataFrame, variants: pl.DataFrame) -> tuple[float, int]:
    """Residual standard deviation of log loss over all runs, and its degrees of freedom."""
    columns = [pl.col("val_bpb").log().alias("loss"), "seed"]
    both = pl.concat(
        [
            rungs.select(pl.format("rung {}", pl.col("_rung")).alias("variant"), *columns),
            variants.select(pl.format("variant {}", pl.col("variant")).alias("variant"), *columns),
        ]
    ).unique(["variant", "seed"], maintain_order=True)
    fit = fit_two_way(both, "loss")
    return fit.sd, fit.dof


def _read(loss: float, x: np.ndarray, y: np.ndarray) -> float:
    """Log tokens at a log loss on the falling ladder (x, y), carried on in a straight line at both ends."""
    if loss > y[0]:
        return float(x[0] + (loss - y[0]) * (x[1] - x[0]) / (y[1] - y[0]))
    if loss < y[-1]:
        return float(x[-1] + (loss - y[-1]) * (x[-1] - x[-2]) / (y[-1] - y[-2]))
    return float(np.interp(-loss, -y, x))


def _bounded(log_tokens: float, x: np.ndarray) -> float:
    if log_tokens > x[-1] + math.log(_REACH):
        return math.inf
    return 0.0 if log_tokens < x[0] - math.log(_REACH) else math.exp(log_tokens)


def forgetting(curves: pl.DataFrame, source: str) -> pl.DataFrame:
    """How much worse a source is at the end than at its best on the way.

    Parameters
    ----------
    curves
        From ``read_curves`` with the trials' frame.

    Returns
    -------
    A row a trial: ``hash``, ``best`` and ``last`` (bits per byte) and ``forgotten``, their difference, 0 or more.
    """
    rows = curves.filter((pl.col("split") == "validation") & (pl.col("source") == source) & pl.col("bpb").is_finite())
    found = (
        rows.sort("tokens")
        .group_by("hash", maintain_order=True)
        .agg(pl.col("bpb").min().alias("best"), pl.col("bpb").last().alias("last"))
    )
    return found.with_columns((pl.col("last") - pl.col("best")).alias("forgotten"))


def best_ratio(trials: pl.DataFrame) -> pl.DataFrame:
    """Paired differences to ratio 0 at every ratio: where an ingredient helps and where it starts to hurt.

    Returns
    -------
    ``compare_to_baseline``'s table with ``ratio`` as a number, by rising ratio, and ``effect``: ``helps``, ``hurts`` or
    ``not told apart``.
    """
    from studylib.analysis.paired import compare_to_baseline

    table = compare_to_baseline(
        trials.with_columns(pl.col("ratio").cast(pl.Float64).cast(pl.String).alias("_ratio")),
        "0.0",
        variant="_ratio",
    )
    effect = (
        pl.when(pl.col("high") < 0).then(pl.lit("helps")).when(pl.col("low") > 0).then(pl.lit("hurts"))
        .otherwise(pl.lit("not told apart"))
    )  # fmt: skip
    return table.with_columns(pl.col("variant").cast(pl.Float64).alias("ratio"), effect.alias("effect")).sort("ratio")
