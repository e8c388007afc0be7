"""The budgets on which a point is judged, as trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from studylib.errors import invalid
from studylib.registry import SCHEDULES
from studylib.spec import ScheduleSpec, TrialSpec


@dataclass(frozen=True)
class Rung:
    """What has to be trained for one budget, and the trial whose loss counts (one of them)."""

    trials: tuple[TrialSpec, ...]
    judged: TrialSpec


def rungs_of(trial: TrialSpec, shares: Sequence[float]) -> list[Rung]:
    """``trial`` on each share of its steps, each judged at the end of a whole run of that length.

    A point on the way of a longer run would not do: its rate has not come down yet, and which rate looks best then is not
    which is best at the end. Under warm-up, stable, decay with ``warmup_steps`` the stable part is nevertheless trained
    once: every rung goes on with the stable run of the one before and branches its own cooldown off (bit-identical to a
    run from the first step). Other schedules are trained anew for every rung.

    Raises
    ------
    StudyError
        A rung of a trunk is all warm-up and cooldown.
    """
    lengths = [trial.train_steps if share == 1 else max(2, round(share * trial.train_steps)) for share in shares]
    if len(lengths) > 1 and _can_branch(trial):
        return _on_a_trunk(trial, lengths)
    return [Rung((one,), one) for one in (_shortened(trial, steps) for steps in lengths)]


def _shortened(trial: TrialSpec, steps: int, **changes: Any) -> TrialSpec:
    if steps == trial.train_steps:
        return trial.replace(**changes)
    return trial.replace(train_steps=steps, eval_every=0, probes=(), **changes)


def _can_branch(trial: TrialSpec) -> bool:
    schedule = trial.schedule
    return SCHEDULES[schedule.name].has_stable_part and bool(schedule.warmup_steps) and trial.epochs == 1


def _on_a_trunk(trial: TrialSpec, lengths: Sequence[int]) -> list[Rung]:
    schedule = trial.schedule
    stable = trial.replace(
        schedule=ScheduleSpec(name="constant", warmup_steps=schedule.warmup_steps), eval_every=0, probes=()
    )
    found, before = [], {}
    for steps in lengths:
        start = SCHEDULES[schedule.name](schedule).decay_start(schedule.warmup_steps, steps)
        if start <= schedule.warmup_steps:
            why = f"makes runs of {steps} steps, which have no stable part behind {schedule.warmup_steps} steps of warm-up"
            raise invalid("rungs", round(steps / trial.train_steps, 4), why)
        trunk = stable.replace(train_steps=start, keep_steps=(start,), **before)
        judged = _shortened(trial, steps, branch_from=trunk.hash, branch_step=start)
        found.append(Rung((trunk, judged), judged))
        before = {"branch_from": trunk.hash, "branch_step": start}
    return found
