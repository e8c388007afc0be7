"""The settings of the 10B model as far as idea 7 knows them: value, interval or rivals, where it comes from, decided or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from studylib.analysis import BasinFit, Decision, GainTrend, OptimumLaw, RateTransfer
from studylib.ideas._hyperparameters_tables import Factor, overfits_from
from studylib.ideas._words import number

ONE_SIZE = "one size: not carried"


@dataclass(frozen=True)
class Setting:
    """A row. ``decided`` is about 10B: an effect seen at one size is a guess there, however sure it is here."""

    name: str
    value: str
    interval: str
    basis: str
    decided: bool

    def as_dict(self) -> dict[str, str | bool]:
        return {
            "setting": self.name, "value": self.value, "interval": self.interval, "basis": self.basis,
            "decided": self.decided,
        }  # fmt: skip


def optimizer_setting(decision: Decision, trends: Sequence[GainTrend], sizes: int) -> Setting:
    """Decided only where it leads surely, at three sizes or more, by a gain that does not shrink."""
    trend = next((one for one in trends if one.variant == decision.leader), None)
    shrinks = trend is not None and trend.state == "shrinks"
    basis = f"{sizes} sizes, gain {trend.state}" if trend else f"{sizes} sizes"
    rivals = ", ".join(decision.basin[1:])
    return Setting(
        "optimizer",
        decision.leader,
        f"or {rivals}" if rivals else "",
        basis,
        decision.decided and sizes >= 3 and not shrinks,
    )


def rate_setting(
    law: OptimumLaw | None,
    reason: str,
    transfers: Mapping[str, RateTransfer],
    fits: Mapping[str, Mapping[int, BasinFit]],
) -> Setting:
    """From the law over sizes; where there is none, the widest model's, if the parametrisation was seen to carry it."""
    init = next(iter(fits))
    if law is not None:
        low, middle, high = law.optimum
        narrow = high / low <= 4
        return Setting(
            "learning rate",
            number(middle),
            f"{number(low)} to {number(high)}",
            f"law over {law.cells} cells ({init})",
            narrow,
        )
    known = [fit for fit in fits[init].values() if fit.optimum is not None]
    if not known:
        return Setting("learning rate", "?", "", reason, False)
    last = known[-1]
    ends = f"{number(last.interval[0])} to {number(last.interval[1])}"
    moved = transfers.get(init)
    carried = moved is not None and moved.state == "transfers"
    basis = f"{init}: stays over widths" if carried else f"{init}, {last.budget}: not carried"
    return Setting("learning rate", number(last.optimum), ends, basis, False)


def factor_setting(factor: Factor) -> Setting:
    rivals = ", ".join(factor.rivals)
    return Setting(
        factor.name.replace("_", " "), factor.best, f"or {rivals}" if rivals else "no rival", ONE_SIZE, False
    )


def init_setting(decision: Decision | None) -> list[Setting]:
    if decision is None:
        return []
    rivals = ", ".join(decision.basin[1:])
    return [Setting("initialisation", decision.leader, f"or {rivals}" if rivals else "no rival", ONE_SIZE, False)]


def epochs_setting(table: pl.DataFrame | None) -> list[Setting]:
    if table is None:
        return []
    first = overfits_from(table)
    fine = table.filter(pl.col("epochs") < (first or float("inf")))["epochs"].max()
    value = f"up to {fine:g}"
    return [Setting("epochs", value, f"worse from {first:g}" if first else f"{fine:g} tried at most", ONE_SIZE, False)]


def settings_of(
    optimizer: Setting, rate: Setting, inits: Decision | None, found: Sequence[Factor], epochs: pl.DataFrame | None,
    objectives: Decision | None,
) -> list[Setting]:  # fmt: skip
    rows = [optimizer, rate, *init_setting(inits), *map(factor_setting, found), *epochs_setting(epochs)]
    if objectives is not None:
        rivals = ", ".join(objectives.basin[1:])
        rows.append(Setting("objective", objectives.leader, f"or {rivals}" if rivals else "no rival", ONE_SIZE, False))
    return rows
