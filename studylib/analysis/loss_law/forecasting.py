"""Forecasts of the loss: draws of all forms of the law, weighed by what each said of the largest sizes when it had not seen them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
import polars as pl
from scipy.special import softmax

from studylib.analysis.loss_law.drift import distance, drawn_drifts, log_odds
from studylib.analysis.loss_law.fit import LossLaw, fit_law
from studylib.analysis.loss_law.forms import FORMS
from studylib.analysis.loss_law.misfit import Runs, misfits
from studylib.errors import invalid
from studylib.words import Text, Words

Counting = Literal["params", "non_embedding_params", "total_params"]

LEVEL = 0.9
_DRAWS = 1000
_APART = 0.25  # e-folds: sizes nearer to one another are one when they are counted
_LEAST_SIZES, _LEAST_RUNS = 3, 8
_HELD_OUT = 4  # largest sizes, each forecast from those below
_NO_USE = 0.2  # of the loss: an interval as wide as what ten times the parameters bring
_FURTHEST = 6.0  # e-folds beyond parameters and tokens fitted, together: the public ladders test 5

FEW_RUNS = Words(
    en="a law of the loss needs at least {{ runs }} finished runs of {{ sizes }} sizes that differ by a quarter; "
    "there are {{ known_runs }} of {{ known_sizes }}",
    ja="損失の法則には 25% 以上離れた {{ sizes }} 規模、計 {{ runs }} 本以上の完了した学習が必要(現在 {{ known_sizes }} 規模、{{ known_runs }} 本)",
)
ONE_LENGTH = Words(
    en="all runs are of one length, so nothing says what more tokens bring",
    ja="すべての学習が同じ長さで、トークンを増やした効果が分からない",
)
NO_USE = Words(
    en="carried to {{ params | short }} parameters and {{ tokens | short }} tokens the 90 % interval is {{ percent | num }} % of the loss "
    "wide: that says nothing",
    ja="{{ params | short }} パラメータ、{{ tokens | short }} トークンへの外挿では 90 % 区間の幅が損失の {{ percent | num }} % になり、何も言えない",
)
TOO_FAR = Words(
    en="{{ params | short }} parameters and {{ tokens | short }} tokens lie {{ beyond[0] | num }} and {{ beyond[1] | num }} times beyond "
    "the largest trained; no public ladder shows how forecasts fare so far out",
    ja="{{ params | short }} パラメータ、{{ tokens | short }} トークンは学習した最大の {{ beyond[0] | num }} 倍と {{ beyond[1] | num }} 倍にあたり、"
    "そこまでの予測の実績を示す公開ラダーがない",
)


@dataclass(frozen=True)
class Forecast:
    """The loss of a run at a target, as equally likely draws.

    Attributes
    ----------
    params, tokens
        The target.
    beyond
        How many times the largest parameters, and tokens, fitted.
    forms
        Weight of each form of the law, by name.
    draws
        [K] losses, in units of the metric: errors of the terms, of the form and of what lies beside any law together.
    slopes
        [K] ``d log(loss) / d log(FLOPs)`` at the target by more tokens, parameters held; negative.
    """

    params: float
    tokens: float
    beyond: tuple[float, float]
    forms: Mapping[str, float]
    draws: np.ndarray = field(repr=False)
    slopes: np.ndarray = field(repr=False)

    @property
    def middle(self) -> float:
        return float(np.median(self.draws))

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        low, high = np.quantile(self.draws, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def width_percent(self, level: float = LEVEL) -> float:
        """Of the interval, percent of the loss."""
        low, high = self.interval(level)
        return 100 * (high - low) / self.middle

    @property
    def slope(self) -> tuple[float, float, float]:
        """90 % interval and median of ``slopes``, as (low, middle, high)."""
        low, middle, high = np.quantile(self.slopes, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2])
        return float(low), float(middle), float(high)


@dataclass(frozen=True)
class Forecaster:
    """All forms fitted, each with a weight; the same index of ``draws`` is the same law at every target.

    ``drift``: [K] by how much of the log loss the law drifts over one e-fold beyond what was fitted.
    """

    laws: tuple[LossLaw, ...]
    weights: tuple[float, ...]
    drift: np.ndarray
    largest: tuple[float, float]

    def at(self, params: float, tokens: float) -> Forecast | Text:
        """The forecast, or the reason why the target is too far to say anything."""
        for name, value in (("params", params), ("tokens", tokens)):
            if not (value > 0 and np.isfinite(value)):
                raise invalid(f"target.{name}", value, "is not a positive number")
        beyond = params / self.largest[0], tokens / self.largest[1]
        place = np.array([params]), np.array([tokens])
        if distance(*place, self.largest) > _FURTHEST:
            return TOO_FAR(params=params, tokens=tokens, beyond=beyond)
        losses, slopes = self.draws(*place)
        found = Forecast(
            params=float(params), tokens=float(tokens), beyond=beyond,
            forms={law.form.name: weight for law, weight in zip(self.laws, self.weights, strict=True)},
            draws=losses[:, 0], slopes=slopes[:, 0],
        )  # fmt: skip
        width = found.width_percent()
        return found if width <= 100 * _NO_USE else NO_USE(params=params, tokens=tokens, percent=width)

    def draws(self, params: np.ndarray, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """[K, T] losses, and slopes, at [T] targets, however far."""
        generator = np.random.default_rng(0)
        counts = np.diff(np.round(np.cumsum([0.0, *self.weights]) * _DRAWS).astype(int))
        losses, slopes = [], []
        for law, count in zip(self.laws, counts, strict=True):
            loss, slope = law.predict(params, tokens, generator)
            picks = generator.permutation(len(loss))[:count]
            losses.append(loss[picks])
            slopes.append(slope[picks])
        logs = np.concatenate(losses)
        away = self.drift * generator.standard_normal(len(logs))
        logs += away[:, None] * np.sqrt(distance(params, tokens, self.largest))
        return np.exp(logs), np.concatenate(slopes)


class Ladder:
    """Runs in order of size, and the fits to those up to each size, made when first asked for.

    Attributes
    ----------
    params, tokens, loss
        [R], smallest first.
    ends
        How many runs lie below each size from which a forecast is possible, the last of which are all.
    """

    def __init__(self, params: np.ndarray, tokens: np.ndarray, loss: np.ndarray) -> None:
        order = np.lexsort((tokens, params))
        self.order = order
        self.params, self.tokens, self.loss = params[order], tokens[order], loss[order]
        self.sizes = _counted(np.log(self.params))
        ends = np.flatnonzero(np.diff(self.sizes, append=np.inf)) + 1
        self.ends = [int(end) for place, end in enumerate(ends) if place >= _LEAST_SIZES - 1 and end >= _LEAST_RUNS]
        self._laws: dict[int, tuple[LossLaw, ...]] = {}

    def refusal(self) -> Text | None:
        if not self.ends:
            known = int(self.sizes[-1]) + 1 if len(self.sizes) else 0
            return FEW_RUNS(runs=_LEAST_RUNS, sizes=_LEAST_SIZES, known_runs=len(self.loss), known_sizes=known)
        return ONE_LENGTH() if np.ptp(np.log(self.tokens)) < _APART else None

    def laws(self, end: int) -> tuple[LossLaw, ...]:
        """Every form fitted to the first ``end`` runs."""
        if end not in self._laws:
            runs = Runs.of(*(np.log(one[:end]) for one in (self.params, self.tokens, self.loss)))
            settings = misfits(runs)
            self._laws[end] = tuple(
                fit_law(form, runs, settings, draws=_DRAWS, generator=np.random.default_rng(place))
                for place, form in enumerate(FORMS.values())
            )
        return self._laws[end]

    def forecaster(self, end: int) -> Forecaster:
        """From the first ``end`` runs, which is one of ``ends``."""
        below = [one for one in self.ends if one <= end][-_HELD_OUT - 1 :]
        scores, drifts = np.zeros(len(FORMS)), log_odds()
        for start, stop in pairwise(below):
            held = slice(start, stop)
            scores += [
                law.log_score(self.params[held], self.tokens[held], np.log(self.loss[held])) for law in self.laws(start)
            ]
            drifts += self._held_out(start, slice(start, end))
        # Halved: what a fit missed, it missed together.
        weights = softmax(scores / 2 + np.log([form.prior for form in FORMS.values()]))
        return Forecaster(
            self.laws(end), tuple(float(one) for one in weights), drawn_drifts(drifts, _DRAWS), self._largest(end)
        )

    def _largest(self, end: int) -> tuple[float, float]:
        return float(self.params[:end].max()), float(self.tokens[:end].max())

    def _held_out(self, start: int, held: slice) -> np.ndarray:
        """What the larger runs say of the drift beyond the first ``start``."""
        params, tokens, generator = self.params[held], self.tokens[held], np.random.default_rng(0)
        logs = np.concatenate([law.predict(params, tokens, generator)[0] for law in self.laws(start)])
        errors = np.log(self.loss[held]) - logs.mean(axis=0)
        return log_odds(errors, logs.var(axis=0), distance(params, tokens, self._largest(start)))


def fit_forecaster(runs: pl.DataFrame, *, counting: Counting = "params") -> Forecaster | Text:
    """Fit all forms; or the reason why the runs carry nothing.

    Parameters
    ----------
    runs
        One row a whole run: ``tokens``, ``loss`` and the column ``counting``; rows whose loss is not finite are left out.
    counting
        Which parameters: the target must be counted in the same way.

    Raises
    ------
    StudyError
        A column is missing, or has values that are not positive.
    """
    ladder = ladder_of(runs, counting)
    reason = ladder.refusal()
    return ladder.forecaster(ladder.ends[-1]) if reason is None else reason


def forecast(runs: pl.DataFrame, params: float, tokens: float, *, counting: Counting = "params") -> Forecast | Text:
    """`fit_forecaster` and its forecast of one target."""
    fitted = fit_forecaster(runs, counting=counting)
    return fitted.at(params, tokens) if isinstance(fitted, Forecaster) else fitted


def ladder_of(runs: pl.DataFrame, counting: Counting) -> Ladder:
    """The finished runs of a table."""
    if counting not in get_args(Counting):
        raise invalid("counting", counting, "is not known", choices=get_args(Counting))
    for name in (counting, "tokens", "loss"):
        if name not in runs.columns:
            raise invalid("column", name, "is missing", choices=runs.columns)
    rows = runs.filter(pl.col("loss").is_finite().fill_null(False))
    columns = [rows[name].cast(pl.Float64) for name in (counting, "tokens", "loss")]
    for column in columns:
        if column.null_count() or not (column > 0).all():
            raise invalid("column", column.name, "has values that are not positive numbers")
    return Ladder(*(column.to_numpy() for column in columns))


def _counted(log_params: np.ndarray) -> np.ndarray:
    """[R] number of each run's size, smallest first; sizes nearer than a quarter to the first of theirs are one."""
    number, first, found = -1, -np.inf, []
    for one in log_params:
        if one > first + _APART:
            number, first = number + 1, one
        found.append(number)
    return np.array(found, dtype=int)
