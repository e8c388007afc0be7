"""An optimum carried to a target size, with its distance in the error, and what a choice there would give away."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from studylib.analysis.valley_posterior import CURVATURE_SCATTER, Form
from studylib.errors import invalid
from studylib.notebook import fields
from studylib.words import Text, Words

if TYPE_CHECKING:
    from studylib.analysis.valleys import Valleys

_SURE = 0.9  # probability that a choice costs less than the margin, to call it decided
_EQUIVALENT = 0.95
_NO_USE = 10  # margins: a best guess that costs more than 2 % of the loss on average is none
LEAST_SIZES = 3
# How far beyond the largest an exponent is trusted, in ranges (of logarithms) that it was seen over: twice. Exponents are of a regime:
# from 0.1M to 2M parameters the best aspect ratio grew here with the power 0.8 (reports/published), which would be one layer at 10B,
# and from 50M to 2B it hardly moves (Gemstones, arXiv 2502.06857); what is best of parameters for given compute goes with the power
# 0.73 where models are small and with 0.5 where they are not (arXiv 2406.12907).
REACH = 2.0

NO_USE = Words(
    en="carried that far it is not known: even the best guess costs more than {{ percent | num }} % of the loss on average",
    ja="そこまでの外挿では定まらない(最善の推定でも損失が平均 {{ percent | num }} % を超えて増える)",
)
FEW_SIZES = Words(
    en="an optimum lies inside the range tried at {{ known }} of {{ tried }} sizes, and a line over sizes with its error needs {{ least }}",
    ja="最適点が範囲内に定まったのは {{ tried }} 規模中 {{ known }} 規模で、規模に対する直線とその誤差には {{ least }} 規模が必要",
)
TOO_FAR = Words(
    en="""{{ target | short }} {{ names.en }} is {{ times | num }} times the largest tried; an exponent seen over {{ seen | num }} times is
        trusted for the square of that at most, {{ trusted | num }} times, since exponents change from small models to large ones""",
    ja="""{{ names.ja }}の目標 {{ target | short }} は試した最大の {{ times | num }} 倍。{{ seen | num }} 倍の範囲で見た指数は、
        小さいモデルと大きいモデルで指数が変わるため、その二乗の {{ trusted | num }} 倍までしか信頼しない""",
)
_NAMES = {"params": Text(en="parameters", ja="パラメータ数"), "tokens": Text(en="tokens", ja="トークン数")}
FEW_VALUES = Words(
    en="an exponent and its error need {{ least }} different {{ name }} with an optimum; there are {{ known }}",
    ja="指数とその誤差には最適点のある {{ name }} が {{ least }} 種類必要(現在 {{ known }})",
)
TOGETHER = Words(
    en="{{ names | listed }} moved together in all budgets, so their exponents cannot be told apart",
    ja="{{ names | listed }} がすべての予算で連動しているため、指数を区別できない",
)


@dataclass(frozen=True)
class Choice:
    """What choosing ``value`` at the target would give away.

    Attributes
    ----------
    regret
        Expected loss above the lowest, as a share of the loss.
    p_within
        Probability that it is less than the margin.
    decided
        Both pass: the expected regret is at most the margin, and the probability at least 0.9.
    """

    value: float
    regret: float
    p_within: float
    decided: bool

    def _repr_html_(self) -> str:
        return fields(
            {
                "value at the target": self.value,
                "expected regret, percent of the loss": 100 * self.regret,
                "P(costs less than the margin)": f"{100 * self.p_within:.0f} %",
                "decided": "yes" if self.decided else "no",
            }
        )


@dataclass(frozen=True)
class CarriedOptimum:
    """``log optimum = constant + sum of exponent * log variable`` carried to a target, budgets scattering about it.

    Attributes
    ----------
    quantity
        What was swept.
    target
        The variables' values that it is carried to.
    optimum
        (low, middle, high) at the target: 95 % interval and median.
    exponents
        By variable: (low, middle, high).
    budgets, bracketed
        Budgets in the fit, and those with an optimum inside the range tried.
    factor
        How many times larger than the largest trained the target is, by variable.
    line
        [4, 64] the variable, and low, middle, high of the optimum from the least budget to the target, where there is one
        variable; None with several.
    log_optimum, log_curvature, form
        [K] joint draws at the target.
    """

    quantity: str
    target: dict[str, float]
    optimum: tuple[float, float, float]
    exponents: dict[str, tuple[float, float, float]]
    budgets: int
    bracketed: int
    factor: dict[str, float]
    margin: float
    line: np.ndarray | None = field(repr=False)
    log_optimum: np.ndarray = field(repr=False)
    log_curvature: np.ndarray = field(repr=False)
    form: Form = field(repr=False)

    def regret(self, value: np.ndarray | float) -> np.ndarray:
        """[K, ...] loss above the lowest at the target, as a share of the loss, in every draw."""
        return self.form.above(value, self.log_optimum, self.log_curvature)

    def choose(self, value: float | None = None) -> Choice:
        """What ``value`` would give away; by default the value that gives away the least on average."""
        value = self.best if value is None else value
        above = self.regret(float(value))
        regret, within = float(above.mean()), float((above <= self.margin).mean())
        return Choice(float(value), regret, within, regret <= self.margin and within >= _SURE)

    @property
    def best(self) -> float:
        """The value with the least expected regret."""
        grid = self._grid()
        return float(grid[self.regret(grid).mean(axis=0).argmin()])

    @property
    def equivalent(self) -> tuple[float, float] | None:
        """(least, greatest) value that costs less than the margin with 95 %; None where none is known to."""
        grid = self._grid()
        kept = grid[(self.regret(grid) <= self.margin).mean(axis=0) >= _EQUIVALENT]
        return (float(kept.min()), float(kept.max())) if len(kept) else None

    def _grid(self) -> np.ndarray:
        ends = np.quantile(self.log_optimum, [0.005, 0.995])
        reach = max(float(ends[1] - ends[0]), 1.0)
        return np.exp(np.linspace(ends[0] - reach / 2, ends[1] + reach / 2, 201))

    def _repr_html_(self) -> str:
        return fields({"quantity": self.quantity} | self.as_dict())

    def as_dict(self, chosen: float | None = None) -> dict[str, object]:
        """For ``IdeaResult.extrapolation``; ``chosen``: the value to be used at the target, default the best."""
        choice = self.choose(chosen)
        return {
            "target": self.target,
            "optimum": named_ends(self.optimum),
            "exponents": {name: named_ends(one) for name, one in self.exponents.items()},
            "budgets": self.budgets,
            "bracketed": self.bracketed,
            "times_the_largest": self.factor,
            "chosen": choice.value,
            "expected_regret_percent": 100 * choice.regret,
            "p_within_margin": choice.p_within,
            "equivalent": self.equivalent,
            "decided": choice.decided,
        }


def named_ends(interval: tuple[float, float, float]) -> dict[str, float]:
    """Low, middle and high as ``IdeaResult.extrapolation`` and its reader have them."""
    return dict(zip(("low", "middle", "high"), interval, strict=True))


def carry(
    valleys: Valleys, target: Mapping[str, float], *, reach: float, confidence: float, random_seed: int
) -> tuple[CarriedOptimum | None, Text | None]:
    """See `Valleys.carry`. The target's own optimum scatters about the law as those of the budgets do."""
    names = list(valleys.centre)
    for name, value in target.items():
        if not (value > 0 and math.isfinite(value)):
            raise invalid(f"target.{name}", value, "is not a positive number")
    if len(valleys.budgets) > 1 and set(names) != set(target):
        raise invalid("target", sorted(target), "is not what the optimum was fitted over", choices=names)
    reason = _refusal(valleys, list(target)) or _too_far(valleys, target, reach)
    if reason is not None:
        return None, reason
    draws = valleys.draws
    generator = np.random.default_rng(random_seed)
    count = len(draws.tau)
    place, depth = (generator.standard_normal(count) for _ in range(2))
    z = np.array([1.0, *(math.log(target[name]) - valleys.centre[name] for name in names)])
    log_optimum = draws.place @ z + draws.tau * place
    tails = [(1 - confidence) / 2, 0.5, (1 + confidence) / 2]
    line = None
    if len(names) == 1:
        points = np.linspace(
            math.log(min(one.sizes[names[0]] for one in valleys.budgets)), math.log(target[names[0]]), 64
        )
        lines = draws.place[:, :1] + draws.place[:, 1:] * (points - valleys.centre[names[0]])
        line = np.exp(np.vstack([points, np.quantile(lines + (draws.tau * place)[:, None], tails, axis=0)]))
    found = CarriedOptimum(
        quantity=valleys.quantity,
        target={name: float(target[name]) for name in names},
        optimum=tuple(float(value) for value in np.exp(np.quantile(log_optimum, tails))),
        exponents=_exponents(valleys, confidence),
        budgets=len(valleys.budgets), bracketed=len(valleys.bracketed),
        factor={name: target[name] / max(one.sizes[name] for one in valleys.budgets) for name in names},
        margin=valleys.margin, line=line, log_optimum=log_optimum,
        log_curvature=draws.depth @ z + CURVATURE_SCATTER * depth, form=draws.form,
    )  # fmt: skip
    choice = found.choose()
    if choice.regret > _NO_USE * valleys.margin:
        return None, NO_USE(percent=100 * _NO_USE * valleys.margin)
    return found, None


def known_exponents(valleys: Valleys, *, confidence: float) -> dict[str, tuple[float, float, float]]:
    """See `Valleys.exponents`."""
    known = valleys.bracketed and _refusal(valleys, list(valleys.centre)) is None
    return _exponents(valleys, confidence) if known else {}


def _exponents(valleys: Valleys, confidence: float) -> dict[str, tuple[float, float, float]]:
    tails = [(1 - confidence) / 2, 0.5, (1 + confidence) / 2]
    found = np.quantile(valleys.draws.place[:, 1:], tails, axis=0).T.tolist()
    return {name: tuple(ends) for name, ends in zip(valleys.centre, found, strict=True)}


def _refusal(valleys: Valleys, names: list[str]) -> Text | None:
    if valleys.misfit > valleys.margin:
        return valleys.budgets[0].reason
    good = valleys.bracketed
    sizes = np.log([[one.sizes.get(name, float("nan")) for name in names] for one in good]).reshape(
        len(good), len(names)
    )
    for column, name in enumerate(names):
        kinds = len(set(np.round(sizes[:, column], 2)))
        if kinds >= LEAST_SIZES:
            continue
        if len(names) == 1:
            return FEW_SIZES(known=kinds, tried=len(valleys.budgets), least=LEAST_SIZES)
        return FEW_VALUES(name=name, known=kinds, least=LEAST_SIZES)
    if np.linalg.matrix_rank(sizes - sizes.mean(axis=0), tol=0.05) < len(names):
        return TOGETHER(names=names)
    return None


def _too_far(valleys: Valleys, target: Mapping[str, float], reach: float) -> Text | None:
    for name, value in target.items():
        sizes = [one.sizes[name] for one in valleys.budgets]
        seen, times = max(sizes) / min(sizes), value / max(sizes)
        if math.log(times) > reach * math.log(seen):
            names = _NAMES.get(name, Text(en=name, ja=name))
            return TOO_FAR(target=value, names=names, times=times, seen=seen, trusted=seen**reach)
    return None
