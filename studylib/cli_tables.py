"""What ``study plan``, ``status`` and ``ideas`` print: rich tables on a terminal, tab-separated lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studylib.batch.status import StudyStatus
    from studylib.trials.plan import Plan

_STYLES = {
    "done": "green",
    "up to date": "green",
    "failed": "red",
    "timeout": "red",
    "damaged": "red",
    "running": "cyan",
}


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str = "", right: Sequence[str] = ()
) -> None:
    """Cells as text; the columns named in ``right`` are numbers."""
    if not sys.stdout.isatty():
        if title:
            print(f"# {title}")
        for row in (columns, *rows):
            print("\t".join(" ".join(str(cell).split()) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", box=None, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell), style=_STYLES.get(str(cell), "")) for cell in row))
    Console().print(table)


def print_plan(plans: Mapping[str, Plan], unread: Mapping[str, Sequence[str]]) -> None:
    """The plans, and which parts of their text were not looked at."""
    for name, plan in plans.items():
        rows = [one.row() for one in plan.trials]
        tags = list(dict.fromkeys(key for one in plan.trials for key in one.task.step.tags))
        columns = ["trial", *tags, "seed", "state", "params", "tokens", "FLOPs", "seconds"]
        cells = [
            [
                row["trial"], *(row.get(tag, "") for tag in tags), row["seed"], row["state"], f"{row['params']:,}",
                f"{row['train_tokens']:,}", f"{row['flops']:.2e}", row["seconds"],
            ]
            for row in rows
        ]  # fmt: skip
        print_table(columns, cells, title=name, right=("seed", "params", "tokens", "FLOPs", "seconds"))
        others = [one.row() for one in plan.steps if not one.is_trial]
        if others:
            cells = [[row["step"], row["label"], row["state"], f"{row['flops']:.2e}", row["seconds"]] for row in others]
            print_table(["step", "label", "state", "FLOPs", "seconds"], cells, right=("FLOPs", "seconds"))
        print(f"{name}: {plan}")
        for line in unread[name]:
            print(f"{name}: not looked at: {line}")
    if len(plans) > 1:
        print_hours(plans)


def print_hours(plans: Mapping[str, Plan]) -> None:
    """What each idea still takes, and all: what several of them read counts once there."""
    from studylib.trials.plan import all_together

    def cells(name: str, plan: Plan, later: float) -> list[str]:
        trials = [one for one in plan.to_do if one.is_trial]
        hours = (f"{seconds / 3600:.2f}" for seconds in (plan.seconds, later, plan.seconds + later))
        return [name, f"{len(trials):,}", f"{sum(plan.later.values()):,}", *hours]

    together = all_together(plans.values())
    rows = [cells(name, plan, plan.later_seconds) for name, plan in plans.items()]
    rows.append(cells("all, what they share once", together, sum(plan.later_seconds for plan in plans.values())))
    columns = ["idea", "trials to do", "later steps", "hours", "hours later", "hours in all"]
    print_table(columns, rows, title=f"hours, {together.workers} at a time", right=columns[1:])
    print(f"estimated from {together.source}; a later step is taken for the mean of the idea's trials")


def plan_as_json(plans: Mapping[str, Plan], unread: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    return {
        name: {
            "trials": [one.row() for one in plan.trials],
            "other_steps": [one.row() for one in plan.steps if not one.is_trial],
            "later": plan.later,
            "to_do": len(plan.to_do), "flops": plan.flops,
            "seconds": round(plan.seconds, 1), "later_seconds": round(plan.later_seconds, 1), "workers": plan.workers, "basis": plan.basis, "source": plan.source,
            "not_looked_at": list(unread[name]),
        }
        for name, plan in plans.items()
    }  # fmt: skip


def print_status(status: StudyStatus) -> None:
    rows = []
    for idea in status.ideas:
        counts = idea["counts"]
        trials = (
            f"{counts['done']}/{counts['total']}" + (f", {counts['failed']} failed" if counts["failed"] else "")
            if counts
            else ""
        )
        rows.append([idea["idea"], idea["status"], trials, idea["message"]])
    print_table(["idea", "status", "trials", "verdict or reason"], rows, title=str(status.folder))
    print(
        "trials: " + ", ".join(f"{count} {state}" for state, count in status.trials.items() if count or state == "done")
    )
    if status.failures:
        failures = [
            [one["trial"], one["label"], one["status"], one["message"].splitlines()[-1]] for one in status.failures
        ]
        print_table(
            ["step", "what", "how", "why"], failures, title="steps that failed (study run --failed tries them again)"
        )


def print_ideas(rows: Sequence[Mapping[str, Any]]) -> None:
    cells = [[row["number"], row["idea"], row["question"], " ".join(row["scales"])] for row in rows]
    print_table(["no", "idea", "question", "scales"], cells, right=("no",))
