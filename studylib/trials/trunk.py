"""One stable run, several cooldowns branched off it: a budget's model without a run of its own for each budget.

Under warm-up, stable, decay (WSD) runs of all lengths are equal until they cool down, so the stable part is trained once
(Hägele et al. 2024, arXiv 2405.18392).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from studylib.errors import invalid
from studylib.registry import SCHEDULES
from studylib.spec import ScheduleSpec, TrialSpec


def trunk_and_branches(trial: TrialSpec, lengths: Sequence[int]) -> list[TrialSpec]:
    """The trunk, then a branch for each of ``lengths`` (train_steps), each the equal of a run of its own.

    Parameters
    ----------
    trial
        What all have in common; its schedule is wsd with ``warmup_steps``. Its ``train_steps`` do not matter.
    lengths
        Steps of the whole runs, trunk included.

    Raises
    ------
    StudyError
        The schedule is no wsd with ``warmup_steps``, or a length is all warm-up and decay.
    """
    schedule = trial.schedule
    shape = SCHEDULES[schedule.name](schedule)
    if not shape.has_stable_part:
        raise invalid("schedule.name", schedule.name, "has no stable part to branch off", choices=["wsd"])
    if not schedule.warmup_steps:
        raise invalid("schedule.warmup_steps", None, "must be given: a fraction differs with the length of the run")
    starts = {}
    for steps in sorted(set(lengths)):
        starts[steps] = shape.decay_start(schedule.warmup_steps, steps)
        if starts[steps] <= schedule.warmup_steps:
            raise invalid("lengths", steps, f"has no stable part behind {schedule.warmup_steps} steps of warm-up")
    trunk = trial.replace(
        schedule=ScheduleSpec(name="constant", warmup_steps=schedule.warmup_steps), probes=(),
        train_steps=max(starts.values()), keep_steps=tuple(sorted(set(starts.values()))),
    )  # fmt: skip
    branches = [
        trial.replace(train_steps=steps, branch_from=trunk.hash, branch_step=start) for steps, start in starts.items()
    ]
    return [trunk, *branches]


def tokens_trained(specs: Iterable[TrialSpec]) -> int:
    """Tokens that are really trained on, each trial once."""
    return sum({spec.hash: spec.own_tokens for spec in specs}.values())


def share_saved(specs: Iterable[TrialSpec]) -> float:
    """Share of tokens that trunks save: 1 - trained / (the branches' runs from the first step, without the trunks)."""
    specs = list(specs)
    trunks = {spec.branch_from for spec in specs if spec.branch_from}
    alone = {spec.hash: spec.train_tokens for spec in specs if spec.hash not in trunks}
    return 1.0 - tokens_trained(specs) / sum(alone.values())
