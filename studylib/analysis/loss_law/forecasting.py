"""Forecasts of the loss from runs: all forms fitted, weighed by what each said of the largest sizes when it had not seen them."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, get_args

import numpy as np
import polars as pl
from scipy.special import softmax

from studylib.analysis.loss_law.drift import distance, drawn_drifts, log_odds
from studylib.analysis.loss_law.fit import LossLaw, fit_law
from studylib.analysis.loss_law.forecaster import Forecast, Forecaster
from studylib.analysis.loss_law.forms import FORMS
from studylib.analysis.loss_law.misfit import Runs, misfits
from studylib.errors import invalid
from studylib.words import Text, Words

Counting = Literal["params", "non_embedding_params", "total_params"]

_DRAWS = 1000
_APART = 0.25  # e-folds: sizes nearer to one another are one when they are counted
_LEAST_SIZES, _LEAST_RUNS = 3, 8
_HELD_OUT = 4  # largest sizes, each forecast from those below

FEW_RUNS = Words(
    en="a law of the loss needs at least {{ runs }} finished runs of {{ sizes }} sizes that differ by a quarter; "
    "there are {{ known_runs }} of {{ known_sizes }}",
    ja="損失の法則には 25% 以上離れた {{ sizes }} 規模、計 {{ runs }} 本以上の完了した学習が必要(現在 {{ known_sizes }} 規模、{{ known_runs }} 本)",
)
ONE_LENGTH = Words(
    en="all runs are of one length, so nothing says what more tokens bring",
    ja="すべての学習が同じ長さで、トークンを増やした効果が分からない",
)


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
        Which parameters: the target must be counted in the same way. All of them are safest: over Gemstones' small shapes, which
        are half embeddings, intervals at 90 % held 99 % of the larger runs counted so, and 63 % counted without embeddings.

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
