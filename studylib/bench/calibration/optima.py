"""Optima of simulated valleys: their intervals, their basins, and what is carried from three to five budgets to 10B."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from studylib.analysis.margin import MARGIN
from studylib.analysis.valleys import fit_valleys
from studylib.bench.calibration._table import Row

TITLE = "Optima and where they are carried to"

_TARGET = 1e10
_EXPONENT = 0.1
_CURVATURE = 0.01  # of the loss, an e-fold from the bottom
_UNEVEN_SD = 0.2  # how uneven the sides of valleys are: what the oracle knows of a valley's form
_DRAWN_UNEVEN_SD, _DRAWN_SCATTER = 0.25, 0.07  # what the fit expects before it sees anything


@dataclass(frozen=True)
class Truth:
    """A kind of simulated study.

        ``uneven``: how much steeper one side is than the other, a share of their mean; which side is drawn by chance. Two parabolas
        are joined at the bottom, which is no form that the fit knows. ``scatter``: of each budget's optimum about the law, in
        logarithms; the target's own optimum scatters too. ``shift``: of the range tried, in logarithms. ``drawn``: noise, unevenness
    and scatter are other ones in every study, drawn about as the fit expects them. A fixed truth lies in the middle of what is
    expected, or at its edge; intervals that hold at the edge hold too often in the middle. Over all of them they hold in 95 %.
    """

    name: str
    budgets: int = 1
    shapes: int = 5
    seeds: int = 3
    noise: float = 0.003
    uneven: float = 0.0
    scatter: float = 0.0
    curvature: float = _CURVATURE
    shift: float = 0.0
    drawn: bool = False

    def of_one_study(self, generator: np.random.Generator) -> Truth:
        """Itself, or with noise, unevenness and scatter drawn."""
        if not self.drawn:
            return self
        return replace(
            self,
            noise=float(np.clip(0.003 * np.exp(0.9 * generator.standard_normal()), 3e-4, 0.02)),
            uneven=float(np.clip(_DRAWN_UNEVEN_SD * generator.standard_normal(), -0.9, 0.9)),
            scatter=float(_DRAWN_SCATTER * abs(generator.standard_t(3))) if self.budgets > 1 else 0.0,
        )

    @property
    def x(self) -> np.ndarray:
        return np.log(24) + self.shift + np.linspace(-1, 1, self.shapes) * np.log(4)

    @property
    def sizes(self) -> np.ndarray:
        return np.geomspace(3e5, 7.68e7, self.budgets)

    def above(self, u: np.ndarray, uneven: float) -> np.ndarray:
        """Loss above the bottom, a share of it."""
        return self.curvature * (1 + np.sign(u) * uneven / 2) * u**2

    def draw(self, generator: np.random.Generator) -> tuple[pl.DataFrame, np.ndarray, float]:
        """Trials of one study; log optimum at each budget and at the target; the unevenness drawn."""
        uneven = self.uneven * generator.choice([-1, 1])
        sizes = np.append(self.sizes, _TARGET)
        middle = np.log(24) + generator.uniform(-0.4, 0.4)
        law = middle + _EXPONENT * (np.log(sizes) - np.log(self.sizes).mean())
        optima = law + generator.normal(0, self.scatter, len(law)) if self.scatter else law
        shape = (self.budgets, self.shapes, self.seeds)
        above = self.above(self.x - optima[:-1, None], uneven)
        level = 2.5 - 0.1 * np.arange(self.budgets)
        loss = level[:, None, None] * (
            1
            + above[:, :, None]
            + generator.normal(0, 0.01, (self.budgets, 1, self.seeds))
            + generator.normal(0, self.noise, shape)
        )
        budget, value, seed = np.indices(shape).reshape(3, -1)
        frame = pl.DataFrame(
            {
                "size": [f"{self.sizes[b]:.3g}" for b in budget], "aspect": np.exp(self.x[value]), "seed": seed,
                "non_embedding_params": self.sizes[budget], "val_bpb": loss.ravel(),
            }
        ).with_columns(status=pl.lit("done"))  # fmt: skip
        return frame, optima, uneven

    def oracle(self, optima: np.ndarray, uneven: float) -> tuple[float, float]:
        """Standard errors, at the largest budget and at the target, of one who knows the noise, the scatter between budgets
        and how valleys differ in form, and linearises about the truth."""
        count = self.budgets
        step = 1e-4
        u = self.x - optima[:-1, None]
        noise = self.noise**2 / self.seeds
        centre = np.eye(self.shapes) - 1 / self.shapes  # the level is unknown
        information = np.zeros((2 * count + 1,) * 2)  # optima, log curvatures, unevenness
        for b in range(count):
            columns = [
                -(self.above(u[b] + step, uneven) - self.above(u[b] - step, uneven)) / (2 * step),
                self.above(u[b], uneven),
                self.curvature * np.sign(u[b]) * u[b] ** 2 / 2,
            ]
            place = [b, count + b, 2 * count]
            own = np.array(columns)
            information[np.ix_(place, place)] += own @ centre @ own.T / noise
        information[count : 2 * count, count : 2 * count] += np.eye(count)  # of a valley's depth it knows the order
        information[-1, -1] += 1 / _UNEVEN_SD**2
        own = np.linalg.inv(information)[:count, :count]
        z = np.column_stack([np.ones(count), np.log(self.sizes) - np.log(self.sizes).mean()])
        if count < 3:
            return float(np.sqrt(own[-1, -1])), float("nan")
        between = np.linalg.inv(own + (self.scatter**2 + 1e-9) * np.eye(count))
        at = np.array([1.0, np.log(_TARGET) - np.log(self.sizes).mean()])
        law = np.linalg.inv(z.T @ between @ z)
        shrunk = np.linalg.inv(
            np.linalg.inv(own) + (np.eye(count) - z @ law @ z.T @ between) / (self.scatter**2 + 1e-9)
        )
        return float(np.sqrt(shrunk[-1, -1])), float(np.sqrt(at @ law @ at + self.scatter**2))


ONE_SIZE = (
    Truth("3 shapes, 2 seeds, noise 0.3 %", shapes=3, seeds=2),
    Truth("3 shapes, 2 seeds, noise 0.1 %, sides uneven by 20 %", shapes=3, seeds=2, noise=0.001, uneven=0.2),
    Truth("3 shapes, 2 seeds, noise 0.4 %, sides uneven by 20 %", shapes=3, seeds=2, noise=0.004, uneven=0.2),
    Truth("5 shapes, 3 seeds, noise 0.1 %", noise=0.001),
    Truth("5 shapes, 3 seeds, noise 0.1 %, sides uneven by 40 %", noise=0.001, uneven=0.4),
    Truth("3 shapes, 2 seeds, noise and sides drawn", shapes=3, seeds=2, drawn=True),
    Truth("5 shapes, 3 seeds, noise and sides drawn", drawn=True),
)
CARRIED = (
    Truth("3 budgets", budgets=3),
    Truth("4 budgets", budgets=4),
    Truth("5 budgets", budgets=5),
    Truth("3 budgets, sides uneven by 20 %", budgets=3, uneven=0.2),
    Truth("4 budgets, sides uneven by 40 %", budgets=4, uneven=0.4),
    Truth("5 budgets, sides uneven by 40 %, noise 0.1 %", budgets=5, uneven=0.4, noise=0.001),
    Truth("3 budgets, optima scatter by 5 %", budgets=3, scatter=0.05),
    Truth("5 budgets, optima scatter by 10 %", budgets=5, scatter=0.1),
    Truth("4 budgets, noise, sides and scatter drawn", budgets=4, drawn=True),
)
OUTSIDE = (
    Truth("3 budgets, all optima outside the range", budgets=3, shift=2.5),
    Truth("3 budgets, no valley at all", budgets=3, curvature=0.0),
)


def rows(studies: int, random_seed: int) -> list[Row]:
    found: list[Row] = []
    for truth in ONE_SIZE:
        found += _one_size(truth, studies, random_seed)
    for truth in CARRIED:
        found += _carried(truth, studies, random_seed)
    for truth in OUTSIDE:
        found += _refused(truth, studies, random_seed)
    return found


def _each(truth: Truth, studies: int, random_seed: int, read: Callable) -> np.ndarray:
    """[S, ...] what ``read(its truth, valleys, optima, uneven)`` finds in each study."""
    found = []
    for number in range(studies):
        generator = np.random.default_rng([random_seed, number])
        one = truth.of_one_study(generator)
        frame, optima, uneven = one.draw(generator)
        found.append(read(one, fit_valleys(frame), optima, uneven))
    return np.array(found, dtype=float)


def _one_size(truth: Truth, studies: int, random_seed: int) -> list[Row]:
    def read(one, valleys, optima, uneven):
        last = valleys.budgets[-1]
        ends = np.quantile(last.log_optimum, [0.025, 0.975])
        covers = ends[0] <= optima[-2] <= ends[1]
        ratio = (ends[1] - ends[0]) / (2 * 1.96 * one.oracle(optima, uneven)[0])
        wrong = float("nan")
        if last.flat is not None:
            wrong = np.mean(one.above(np.log(last.flat) - optima[-2], uneven) > MARGIN)
        return covers, ratio, wrong

    covers, ratio, wrong = _each(truth, studies, random_seed, read).T
    given = int(np.isfinite(wrong).sum())
    found = [
        Row(truth.name, "coverage of the optimum's 95 % interval", (0.93, 0.98), covers.mean(), studies),
        Row(truth.name, "its width, times an oracle's (median)", (0, 2), float(np.median(ratio)), studies, share=False),
    ]
    if given:
        found.append(
            Row(truth.name, "ends of the basin that cost more than the margin", (0, 0.05), np.nanmean(wrong), 2 * given)
        )
    return found


def _carried(truth: Truth, studies: int, random_seed: int) -> list[Row]:
    def read(one, valleys, optima, uneven):
        carried, _ = valleys.carry({"params": _TARGET})
        if carried is None:
            return (np.nan,) * 4
        low, _, high = np.log(carried.optimum)
        covers = low <= optima[-1] <= high
        ratio = (high - low) / (2 * 1.96 * one.oracle(optima, uneven)[1])
        choice = carried.choose()
        return covers, ratio, choice.decided, one.above(np.log(choice.value) - optima[-1], uneven) > MARGIN

    covers, ratio, decided, worse = _each(truth, studies, random_seed, read).T
    given, sure = int(np.isfinite(covers).sum()), int(np.nansum(decided))
    found = [Row(truth.name, "carried to 10B at all", (0, 1), given / studies, studies)]
    if given:
        found += [
            Row(truth.name, "coverage of the 95 % interval at 10B", (0.93, 0.98), np.nanmean(covers), given),
            Row(
                truth.name,
                "its width, times an oracle's (median)",
                (0, 2),
                float(np.nanmedian(ratio)),
                given,
                share=False,
            ),
            Row(truth.name, "decided for 10B", (0, 1), sure / studies, studies),
        ]
    if sure:
        wrong = np.nansum(decided * worse)
        found.append(
            Row(
                truth.name,
                "decided, yet costs more than the margin (of all studies)",
                (0, 0.05),
                wrong / studies,
                studies,
            )
        )
    return found


def _refused(truth: Truth, studies: int, random_seed: int) -> list[Row]:
    def read(one, valleys, optima, uneven):
        carried, _ = valleys.carry({"params": _TARGET})
        if carried is None:
            return True, False
        choice = carried.choose()
        worse = one.above(np.log(choice.value) - optima[-1], uneven) > MARGIN
        return False, choice.decided and worse

    refused, wrong = _each(truth, studies, random_seed, read).T
    return [
        Row(truth.name, "carrying is refused", (0.95, 1), refused.mean(), studies),
        Row(truth.name, "decided, yet costs more than the margin (of all studies)", (0, 0.05), wrong.mean(), studies),
    ]
