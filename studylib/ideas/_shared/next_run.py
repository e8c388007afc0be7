"""What would settle the question."""

from __future__ import annotations

from collections.abc import Sequence

from studylib.analysis import AtTarget, CarriedOptimum, Decision, Valley
from studylib.result import Text


def next_run(decision: Decision, wanted: Text | None) -> Text | None:
    """What would settle the decision, and then what is wanted before anything is carried to the target; None: nothing."""
    told = decision.next_run.text() if decision.next_run is not None else None
    if told is None or wanted is None:
        return told or wanted
    return Text(en=f"{told.en} {wanted.en}", ja=f"{told.ja}{wanted.ja}")


def next_run_over_sizes(decision: Decision, at: AtTarget, wanted: Text) -> Text | None:
    """`next_run`, where ``wanted`` falls away once the target is decided."""
    return next_run(decision, None if at.decided else wanted)


def more_budgets(fits: Sequence[Valley], carried: CarriedOptimum | None, idea: str) -> Text | None:
    """What an optimum needs to be carried to 10B, or its best value there to be decided; None when it is."""
    if carried is not None:
        if carried.choose().decided:
            return None
        return Text(
            en=f"To decide 10B, the optimum has to be known better there: train larger budgets: study run {idea} --scale cpu, or gpu.",
            ja=f"10B について決めるには、最適点をより正確に知る必要があります。より大きな予算で学習してください:study run {idea} --scale cpu または gpu。",
        )
    open_ = [fit.budget for fit in fits if fit.optimum is None]
    few = len(fits) - len(open_)
    return Text(
        en=f"To carry the answer to 10B, three budgets need an optimum inside the range tried; {few} of {len(fits)} have one"
        + (f" (not {', '.join(open_)})" if open_ else "")
        + f". Train larger budgets and longer: study run {idea} --scale cpu, or gpu.",
        ja=f"10B へ外挿するには、最適点が範囲内に定まった予算が 3 つ必要です(現在 {len(fits)} 予算中 {few})。"
        f"より大きな予算をより長く学習してください:study run {idea} --scale cpu または gpu。",
    )
