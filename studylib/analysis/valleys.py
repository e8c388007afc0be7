"""Valleys of loss against the logarithm of what is swept (aspect ratio, vocabulary, learning rate, batch), over budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from scipy import stats

from studylib.analysis.carried import REACH, CarriedOptimum, carry, known_exponents
from studylib.analysis.compared import Compared, Costs, costs
from studylib.analysis.margin import MARGIN
from studylib.analysis.twoway import finished
from studylib.analysis.valley_posterior import Cells, Form, ValleyDraws, sample_valleys
from studylib.errors import StudyError, invalid
from studylib.words import Text, Words

_INSIDE = 0.95
_PARAMS = {"params": "non_embedding_params"}
_LEAST = 3  # values, for a valley
_LEAST_NEAR = 4  # values that a window keeps at least

MISFIT = Words(
    en="no valley describes the mean losses: they lie {{ '%.2g' % percent }} % of the loss off its curve beyond their noise",
    ja="谷の曲線が平均損失を表さない(雑音を超えて損失の {{ '%.2g' % percent }} % ずれる)",
)
BEYOND = Words(
    en="the lowest fitted loss lies {{ 'below' if below else 'above' }} the sampled range (beyond {{ end | num }}); widen it",
    ja="損失の最小点が調べた範囲より{{ '下' if below else '上' }}({{ end | num }} の外)にあり、範囲を広げる必要がある",
)
FEW_VALUES = Words(
    en="a valley needs finished trials at {{ least }} values of {{ quantity }} or more; there are {{ known }}",
    ja="谷には完了した試行のある {{ quantity }} の値が {{ least }} つ以上必要(現在 {{ known }})",
)
FEW_WHOLE = Words(
    en="an optimum needs at least {{ least }} values of {{ quantity }} with all seeds finished; there are {{ known }}",
    ja="最適点には全シードが完了した {{ quantity }} の値が {{ least }} つ以上必要(現在 {{ known }})",
)
NO_TRIALS = Text(en="there are no trials to fit a valley to", ja="谷を当てはめる試行がない")
NO_NOISE = Text(
    en="a valley needs at least 2 seeds, or more values at one, to know its noise",
    ja="谷の雑音を知るには 2 シード以上、または 1 シードでより多くの値が必要",
)
NOT_BRACKETED = Words(
    en="the optimum is not bracketed: it lies below {{ low | num }} with {{ below | percent }} probability, above {{ high | num }} "
    "with {{ above | percent }}",
    ja="最適点が範囲内に定まらない({{ low | num }} 未満の確率 {{ below | percent }}、{{ high | num }} 超の確率 {{ above | percent }})",
)


class NoValley(StudyError):
    """Trials that say nothing about a valley; ``reason`` says why, in both languages."""

    def __init__(self, reason: Text):
        super().__init__(reason.en)
        self.reason = reason


@dataclass(frozen=True)
class Valley:
    """The valley at one budget, as the joint fit over all of them sees it.

    Attributes
    ----------
    budget
        Its label.
    sizes
        Its variables (parameters, tokens), medians of its trials.
    optimum
        Median of the bottom's place; None where it is not inside the range tried with 95 %.
    interval
        95 % interval of it; None with it.
    flat
        Least and greatest value inside the range tried that costs less than ``margin`` more than the bottom with 95 %
        probability; None where no value is known to.
    margin
        In units of the metric.
    sampled
        (least, greatest) value that was trained.
    outside
        Probability that the bottom lies below, and above, the range tried.
    reason
        Why there is no optimum; None when there is one.
    lack_of_fit
        p value of the test that the curve describes the mean losses; 1 where seeds or values are too few to test it.
    log_optimum, level, log_curvature, form
        [K] joint draws of the bottom's place, the loss there, and the valley's form.
    values
        Those that were trained, in rising order.
    costs
        Of its trials; None where they do not say how large their models are.
    noise_percent
        SD of one trial, percent of the loss (posterior median), what seeds share being out.
    """

    budget: str
    sizes: dict[str, float]
    optimum: float | None
    interval: tuple[float, float] | None
    flat: tuple[float, float] | None
    margin: float
    sampled: tuple[float, float]
    outside: tuple[float, float]
    reason: Text | None
    lack_of_fit: float
    log_optimum: np.ndarray = field(repr=False)
    level: np.ndarray = field(repr=False)
    log_curvature: np.ndarray = field(repr=False)
    form: Form = field(repr=False)
    values: tuple[float, ...] = ()
    costs: Costs | None = None
    noise_percent: float = 0.0

    @property
    def params(self) -> float:
        """Non-embedding parameters; nan where they are not among the sizes."""
        return self.sizes.get("params", float("nan"))

    @property
    def edge(self) -> float | None:
        """The end of the range tried that the bottom is nearer to; None where it lies inside with 95 %."""
        return None if sum(self.outside) <= 1 - _INSIDE else self.sampled[int(self.outside[1] > self.outside[0])]

    def regret(self, value: np.ndarray | float) -> np.ndarray:
        """[K, ...] loss above the bottom, as a share of the bottom's, in every draw."""
        return self.form.above(value, self.log_optimum, self.log_curvature)

    def as_dict(self) -> dict[str, object]:
        """For ``IdeaResult.extrapolation``: the optimum, and how far the curve can be trusted."""
        kept = {name: getattr(self, name) for name in ("optimum", "interval", "flat", "reason")}
        below, above = self.outside
        return kept | {
            "p_below_those_tried": below,
            "p_above_those_tried": above,
            "p_of_such_a_misfit": self.lack_of_fit,
        }

    def compared(self, names: Mapping[str, float]) -> Compared | None:
        """Values of the quantity side by side, by name; None where the trials do not say how large their models are."""
        if self.costs is None:
            return None
        samples = 100 * self.regret(np.array(list(names.values())))
        return Compared(tuple(names), samples, self.noise_percent, *self.costs)

    def predict(self, value: np.ndarray | float) -> np.ndarray:
        """Fitted loss at the average seed, in units of the metric."""
        level = self.level.reshape((-1,) + (1,) * np.ndim(value))
        return (level * (1 + self.regret(value))).mean(axis=0)


@dataclass(frozen=True)
class Valleys:
    """One joint fit over budgets.

    Attributes
    ----------
    quantity
        The column that was swept.
    by_key
        `Valley` by the values of the columns that name a budget, smallest first.
    left_out
        Why a budget has no valley, by label.
    misfit
        How far mean losses lie from the curve beyond their noise, a share of the loss (posterior median).
    """

    quantity: str
    by_key: dict[tuple, Valley]
    left_out: dict[str, Text]
    misfit: float
    margin: float
    centre: dict[str, float] = field(repr=False)
    draws: ValleyDraws = field(repr=False)

    @property
    def budgets(self) -> tuple[Valley, ...]:
        return tuple(self.by_key.values())

    @property
    def variables(self) -> tuple[str, ...]:
        """What the optimum may move with."""
        return tuple(self.centre)

    @property
    def bracketed(self) -> tuple[Valley, ...]:
        """Those whose bottom lies inside the range tried."""
        return tuple(one for one in self.budgets if one.optimum is not None)

    def as_dict(self) -> dict[str, dict[str, object]]:
        """For ``IdeaResult.extrapolation``: every budget's optimum, or why it has none."""
        found = {fit.budget: fit.as_dict() for fit in self.budgets}
        return found | {name: {"optimum": None, "reason": reason} for name, reason in self.left_out.items()}

    def carry(
        self, target: Mapping[str, float], *, reach: float = REACH, confidence: float = 0.95, random_seed: int = 0
    ) -> tuple[CarriedOptimum | None, Text | None]:
        """The optimum at ``target`` (by variable), or None and the reason why it cannot be had.

        Parameters
        ----------
        reach
            How far beyond the largest an exponent is trusted, in ranges (of logarithms) that it was seen over; infinity where something
            else than these sizes says that it stays.

        Raises
        ------
        StudyError
            ``target`` names other variables than the fit, or a value is not positive.
        """
        return carry(self, target, reach=reach, confidence=confidence, random_seed=random_seed)

    def exponents(self, *, confidence: float = 0.95) -> dict[str, tuple[float, float, float]]:
        """By variable: the power (low, middle, high) of it that the optimum goes with, over the sizes tried; empty where too few of them
        have an optimum inside their range. Whether it holds at a target is `carry`'s to say."""
        return known_exponents(self, confidence=confidence)


def fit_valleys(
    trials: pl.DataFrame,
    quantity: str = "aspect",
    *,
    by: Sequence[str] = ("size",),
    variables: Mapping[str, str] = _PARAMS,
    window: float | None = None,
) -> Valleys:
    """Fit all budgets at once: what they share (the valley's form, the noise, the law of the optimum) is learned from all.

    A budget whose best value lies at an end of its range takes part: that its bottom is not seen says where it is not.

    Parameters
    ----------
    trials
        One row a trial. Without a column ``aspect`` it is ``hidden_size / num_layers``.
    quantity
        The column swept; its logarithm is what counts.
    by
        Columns whose values name a budget; empty for one budget.
    variables
        Sizes that the optimum may move with: name, and the column it is read from. Of one budget none is needed.
    window
        Fit only values whose mean loss is within this share of the best of their budget, four at least: loss over learning
        rates climbs steeply where training gets unstable, and no smooth curve describes all of it. Values at which a seed
        failed are then no candidates, however well the others did.

    Raises
    ------
    NoValley
        No budget has three values, or there are too few trials to know their noise by.
    StudyError
        The trials are no table of one result a value and seed, or a loss is not positive.
    """
    if quantity == "aspect" and quantity not in trials.columns:
        trials = trials.with_columns((pl.col("hidden_size") / pl.col("num_layers")).alias(quantity))
    found: dict[tuple, tuple[str, dict[str, float], Cells]] = {}
    own_costs: dict[tuple, Costs] = {}
    left_out: dict[str, Text] = {}
    groups = trials.group_by(list(by), maintain_order=True) if by else [((), trials)]
    for key, own in groups:
        name = ", ".join(map(str, key))
        try:
            rows = _rows(own, quantity, window)
        except NoValley as error:
            left_out[name] = error.reason
            continue
        sizes = {
            variable: float(rows[column].median()) for variable, column in variables.items() if column in rows.columns
        }
        found[key] = (name, sizes, _cells(rows, quantity))
        if "non_embedding_params" in rows.columns:
            own_costs[key] = costs(rows, quantity)
    if not found:
        raise NoValley(next(iter(left_out.values()), NO_TRIALS))
    found = dict(sorted(found.items(), key=lambda item: tuple(item[1][1].values())))
    names = (
        [name for name in variables if all(name in sizes for _, sizes, _ in found.values())] if len(found) > 1 else []
    )
    cells = [one for _, _, one in found.values()]
    if sum(cell.dof for cell in cells) == 0 and sum(len(cell.x) - 3 for cell in cells) < 4:
        raise NoValley(NO_NOISE)
    z = np.log([[sizes[name] for name in names] for _, sizes, _ in found.values()]).reshape(len(found), len(names))
    centre = dict(zip(names, z.mean(axis=0), strict=True))
    sampled = sample_valleys(cells, z - z.mean(axis=0))
    misfit = float(np.median(sampled.misfit))
    pure = (sum(cell.residual for cell in cells), sum(cell.dof for cell in cells))
    return Valleys(
        quantity=quantity,
        by_key={
            key: replace(_valley(name, sizes, cell, sampled, place, misfit, pure), costs=own_costs.get(key))
            for place, (key, (name, sizes, cell)) in enumerate(found.items())
        },
        left_out=left_out, misfit=misfit, margin=MARGIN, centre=centre, draws=sampled,
    )  # fmt: skip


def _rows(own: pl.DataFrame, quantity: str, window: float | None) -> pl.DataFrame:
    rows = finished(own, "val_bpb", variant=quantity).with_columns(pl.col(quantity).cast(pl.Float64))
    if (rows["val_bpb"] <= 0).any():
        raise invalid(
            "column", "val_bpb", "has values that are not positive: losses are compared as shares of themselves"
        )
    if window is not None:
        rows = _near_the_bottom(rows, quantity, window)
    values = rows[quantity].n_unique()
    if values < _LEAST:
        raise NoValley(FEW_VALUES(least=_LEAST, quantity=quantity, known=values))
    return rows


def _near_the_bottom(rows: pl.DataFrame, quantity: str, window: float) -> pl.DataFrame:
    seeds = rows["seed"].n_unique()
    means = rows.group_by(quantity).agg(pl.col("val_bpb").mean().alias("mean"), pl.len().alias("seeds")).sort(quantity)
    means = means.filter(pl.col("seeds") == seeds)
    if len(means) < _LEAST:
        raise NoValley(FEW_WHOLE(least=_LEAST, quantity=quantity, known=len(means)))
    values, losses = means[quantity].to_list(), means["mean"].to_list()
    best = losses.index(min(losses))
    inside = [loss <= losses[best] * (1 + window) for loss in losses]
    first = last = best
    while first > 0 and (first == best or inside[first - 1]):  # one neighbour on each side in any case
        first -= 1
    while last < len(values) - 1 and (last == best or inside[last + 1]):
        last += 1
    while last - first + 1 < min(_LEAST_NEAR, len(values)):
        below = losses[first - 1] if first > 0 else float("inf")
        above = losses[last + 1] if last < len(values) - 1 else float("inf")
        first, last = (first - 1, last) if below <= above else (first, last + 1)
    return rows.filter(pl.col(quantity).is_in(values[first : last + 1]))


def _cells(rows: pl.DataFrame, quantity: str) -> Cells:
    """Two-way fit of log losses: values beside seeds."""
    x, value = np.unique(rows[quantity].to_numpy(), return_inverse=True)
    _, seed = np.unique(rows["seed"].to_numpy(), return_inverse=True)
    y = np.log(rows["val_bpb"].to_numpy().astype(float))
    of_value, of_seed = np.eye(len(x))[value], np.eye(seed.max() + 1)[seed]
    both = np.column_stack([of_value, of_seed])
    solution = np.linalg.lstsq(both, y, rcond=None)[0]
    residual = y - both @ solution
    out = of_value - of_seed @ np.linalg.lstsq(of_seed, of_value, rcond=None)[0]
    return Cells(
        x=np.log(x),
        mean=solution[: len(x)] + solution[len(x) :].mean(),
        precision=of_value.T @ out,
        residual=float(residual @ residual),
        dof=len(y) - int(np.linalg.matrix_rank(both)),
    )


def _valley(
    name: str, sizes: dict[str, float], cell: Cells, draws: ValleyDraws, place: int, misfit: float,
    pure: tuple[float, int],
) -> Valley:  # fmt: skip
    log_optimum, log_curvature = draws.optimum[:, place], draws.log_curvature[:, place]
    low, high = float(cell.x.min()), float(cell.x.max())
    outside = (float((log_optimum < low).mean()), float((log_optimum > high).mean()))
    curve = np.log1p(draws.form.above(np.exp(cell.x), log_optimum, log_curvature))
    found = Valley(
        budget=name, sizes=sizes, optimum=None, interval=None, flat=None, margin=0.0,
        sampled=(float(np.exp(low)), float(np.exp(high))), outside=outside, reason=_reason(outside, low, high, misfit),
        lack_of_fit=_lack_of_fit(cell, curve.mean(axis=0), pure),
        log_optimum=log_optimum, level=np.exp((cell.mean - curve).mean(axis=1)), log_curvature=log_curvature, form=draws.form,
        values=tuple(np.exp(cell.x).tolist()), noise_percent=100 * float(np.median(draws.noise)),
    )  # fmt: skip
    grid = np.exp(np.linspace(low, high, 97))
    equivalent = grid[(found.regret(grid) <= MARGIN).mean(axis=0) >= _INSIDE]
    ends = np.exp(np.quantile(log_optimum, [0.025, 0.5, 0.975]))
    return Valley(
        **vars(found)
        | {
            "optimum": None if found.reason else float(ends[1]),
            "interval": None if found.reason else (float(ends[0]), float(ends[2])),
            "flat": (float(equivalent.min()), float(equivalent.max())) if len(equivalent) else None,
            "margin": MARGIN * float(found.level.mean()),
        }
    )


def _reason(outside: tuple[float, float], low: float, high: float, misfit: float) -> Text | None:
    if misfit > MARGIN:
        return MISFIT(percent=100 * misfit)
    if sum(outside) <= 1 - _INSIDE:
        return None
    below, above = outside
    if max(outside) > 0.5:
        return BEYOND(below=below > above, end=float(np.exp(low if below > above else high)))
    return NOT_BRACKETED(low=float(np.exp(low)), high=float(np.exp(high)), below=below, above=above)


def _lack_of_fit(cell: Cells, curve: np.ndarray, pure: tuple[float, int]) -> float:
    """F test of the means about the curve against the noise of seeds, all budgets' together."""
    extra, (residual, dof) = len(cell.x) - 3, pure
    if extra < 1 or dof < 1 or residual <= 0:
        return 1.0
    off = cell.mean - curve
    return float(stats.f.sf(off @ cell.precision @ off / extra / (residual / dof), extra, dof))
