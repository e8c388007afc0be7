"""The settings of the 10B model as far as idea 7 knows them: value, interval or rivals, where it comes from, decided or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from studylib.analysis import AtTarget, CarriedOptimum, Decision, RateTransfer, Valley
from studylib.ideas._shared.numbers import number
from studylib.ideas.hyperparameters.one_factor import Factor
from studylib.ideas.hyperparameters.tables import overfits_from
from studylib.result import Text

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


def optimizer_setting(at: AtTarget) -> Setting:
    """The best at the target, from all sizes together."""
    trend = next((one.trend for one in at.effects if one.variant == at.leader), None)
    basis = f"{len(at.sizes)} sizes, P(best) {at.p_leader:.0%}" + (f", gain {trend}" if trend else "")
    return Setting("optimizer", at.leader, f"or {', '.join(at.rivals)}" if at.rivals else "", basis, at.decided)


def rate_setting(
    law: CarriedOptimum | None,
    reason: Text | None,
    transfers: Mapping[str, RateTransfer],
    fits: Mapping[str, Mapping[int, Valley]],
) -> Setting:
    """From the law over sizes; where there is none, the widest model's, if the parametrisation was seen to carry it."""
    init = next(iter(fits))
    if law is not None:
        return _carried("learning rate", law, f"law over {law.budgets} cells ({init})")
    known = [fit for fit in fits[init].values() if fit.optimum is not None]
    if not known:
        return Setting("learning rate", "?", "", reason.en, False)
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
    return [] if decision is None else [_decided_at_one_size("initialisation", decision)]


def epochs_setting(table: pl.DataFrame | None) -> list[Setting]:
    if table is None:
        return []
    first = overfits_from(table)
    fine = table.filter(pl.col("epochs") < (first or float("inf")))["epochs"].max()
    value = f"up to {fine:g}"
    return [Setting("epochs", value, f"worse from {first:g}" if first else f"{fine:g} tried at most", ONE_SIZE, False)]


def batch_setting(
    law: CarriedOptimum | None, reason: Text | None, fits: Mapping[int, Mapping[int, Valley]]
) -> list[Setting]:
    """In tokens a step: from the law; where there is none, the largest and longest cell's optimum, if it has one."""
    if law is not None:
        return [_carried("batch (tokens)", law, f"law over {' and '.join(law.exponents)}, {law.budgets} cells")]
    cells = [fit for by_length in fits.values() for fit in by_length.values()]
    if not cells:
        return []
    known = [fit for fit in cells if fit.optimum is not None]
    if not known:
        return [Setting("batch (tokens)", "?", "not bracketed", reason.en, False)]
    ends = f"{number(known[-1].interval[0])} to {number(known[-1].interval[1])}"
    return [Setting("batch (tokens)", number(known[-1].optimum), ends, f"{known[-1].budget}: not carried", False)]


def dropout_setting(table: pl.DataFrame | None) -> list[Setting]:
    """None unless it helps significantly on fresh text; beside it, from how many epochs on it does."""
    if table is None or table.is_empty():
        return []
    helps = table.filter(pl.col("significant") & (pl.col("difference") < 0)).sort("epochs", "difference")
    fresh = helps.filter(pl.col("epochs") == 1)
    value = f"{fresh['dropout'][0]:g}" if len(fresh) else "0"
    later = helps.filter(pl.col("epochs") > 1)
    repeated = f"{later['dropout'][0]:g} from {later['epochs'][0]:g} epochs" if len(later) else ""
    none = f"no significant gain at {table['epochs'].max():g} epochs or fewer"
    return [Setting("dropout", value, repeated or none, ONE_SIZE, False)]


def objective_setting(decision: Decision | None) -> list[Setting]:
    return [] if decision is None else [_decided_at_one_size("objective", decision)]


def _carried(name: str, law: CarriedOptimum, basis: str) -> Setting:
    """The value that costs least at the target; decided where it surely costs less than the margin."""
    low, _, high = law.optimum
    choice = law.choose()
    return Setting(name, number(choice.value), f"{number(low)} to {number(high)}", basis, choice.decided)


def _decided_at_one_size(name: str, decision: Decision) -> Setting:
    rivals = ", ".join(decision.rivals)
    return Setting(name, decision.leader, f"or {rivals}" if rivals else "no rival", ONE_SIZE, False)
