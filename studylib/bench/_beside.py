"""This tree's trials an hour against another checkout's, in alternation on the same machine."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from rich.table import Table

import studylib
from studylib.bench.timing import Rates, ratio, told_others
from studylib.errors import StudyError, invalid
from studylib.measuring import Watch, wait_until_quiet
from studylib.spec import TrialSpec

HERE, THERE = "this tree", "beside"
CLOCKS = {
    "with_start": "trials/hour, workers' start included",
    "without_start": "trials/hour, from the first step on",
    "processor": "trials/hour of processor time",
}
_SCRIPT = Path(__file__).with_name("_tree_trials.py")


def trees_beside(checkout: Path) -> dict[str, Path]:
    """The folders of this tree and of the other one.

    Raises
    ------
    StudyError
        There is no `studylib` in ``checkout``.
    """
    if not (checkout / "studylib" / "__init__.py").is_file():
        raise invalid("--beside", str(checkout), "holds no package studylib; give the root of another checkout")
    return {HERE: Path(studylib.__file__).parent.parent, THERE: checkout.resolve()}


def measure_beside(
    base: TrialSpec, trees: Mapping[str, Path], folder: Path, *, trials: int, rounds: int, workers: int
) -> dict[str, list[dict[str, Any]]]:
    """Of each tree, what `_tree_trials` measured in every round, and ``others``: the share of the cores that others took.

    Text is prepared before. The order is turned round in every second round; a tree trains the seeds that the other trains.

    Raises
    ------
    StudyError
        A tree could not train them.
    """
    for name, tree in trees.items():
        _trained(tree, [base.replace(train_steps=1)], folder / name, 1)
    wait_until_quiet(lambda line: print(line, file=sys.stderr, flush=True))
    seeds = count(1)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in trees}
    for number in range(rounds):
        specs = [base.replace(seed=next(seeds)) for _ in range(trials)]
        order = list(trees.items())
        for name, tree in order if number % 2 == 0 else reversed(order):
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            watch = Watch()
            found[name].append(_trained(tree, specs, folder / name, workers) | {"others": watch.others()})
    return found


def _trained(tree: Path, specs: Sequence[TrialSpec], out: Path, workers: int) -> dict[str, Any]:
    asked = {"specs": [json.loads(spec.model_dump_json()) for spec in specs], "out": str(out), "workers": workers}
    path = os.pathsep.join(filter(None, [str(tree), os.environ.get("PYTHONPATH", "")]))
    ran = subprocess.run(
        [sys.executable, "-P", str(_SCRIPT)], input=json.dumps(asked), capture_output=True, text=True, check=False,
        cwd=tree,  # where workers look first
        env=os.environ | {"PYTHONPATH": path},
    )  # fmt: skip
    if ran.returncode:
        raise StudyError(
            f"{tree}: could not train the trials: {(ran.stderr.strip().splitlines() or ['no message'])[-1]}"
        )
    measured = json.loads(ran.stdout.splitlines()[-1])
    if Path(measured["package"]).resolve() != tree / "studylib":
        raise StudyError(f"{tree}: {measured['package']} was measured instead")
    return measured


def beside_table(base: TrialSpec, found: Mapping[str, Sequence[Mapping[str, Any]]]) -> Table:
    """Rates by clock and tree, their ratio round by round, and by how much the losses differ."""
    trials = len(found[HERE][0]["losses"])
    others = max((one["others"] or 0.0 for rounds in found.values() for one in rounds), default=0.0)
    model = base.model
    table = Table(
        title=f"{trials} trials of {base.train_steps} steps, {model.num_layers} x {model.hidden_size}",
        caption=f"losses differ by at most {loss_difference(found):.1e} of themselves; others took {told_others(others)}",
    )
    for column in ("", HERE, THERE, "ratio", "least - most"):
        table.add_column(column, justify="left" if not column else "right")
    for clock, about in CLOCKS.items():
        rates = {name: Rates(tuple(3600 * trials / one[clock] for one in rounds)) for name, rounds in found.items()}
        middle, least, most = ratio(rates[HERE], rates[THERE])
        table.add_row(
            about,
            f"{rates[HERE].median:,.0f}",
            f"{rates[THERE].median:,.0f}",
            f"{middle:.2f}x",
            f"{least:.2f} - {most:.2f}",
        )
    return table


def loss_difference(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> float:
    """The largest of a trial's two losses, relative to them."""
    pairs = [
        pair
        for here, there in zip(found[HERE], found[THERE], strict=True)
        for pair in zip(here["losses"], there["losses"], strict=True)
    ]
    return max(abs(one - other) / statistics.fmean((one, other)) for one, other in pairs)
