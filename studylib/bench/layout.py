"""``study bench layout``: how many workers of how many threads train most tiny trials an hour on these cores.

With ``--beside CHECKOUT`` one worker a core, this tree and another checkout of it in alternation.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from studylib.bench._beside import beside_table, measure_beside, trees_beside
from studylib.bench.timing import told_others
from studylib.environment import cores
from studylib.files import write_json
from studylib.machine import describe, this_machine
from studylib.spec import LayoutSpec
from studylib.trials.layout import measure_layouts, tiny_trial


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="study bench layout", description=__doc__)
    parser.add_argument("--trials", type=int, default=8, help="of each round (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=150, help="of each trial (default: %(default)s)")
    parser.add_argument(
        "--hidden", type=int, nargs="+", default=[56, 128], help="widths, two layers (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT", help="the root of another checkout, to compare with")
    parser.add_argument("--json", type=Path, help="write the figures here")
    asked = parser.parse_args(arguments)
    return _beside(asked) if asked.beside else _layouts(asked)


def _beside(asked: argparse.Namespace) -> int:
    trees, measured = trees_beside(asked.beside), {}
    for hidden in asked.hidden:
        base = tiny_trial(hidden, asked.steps)
        with tempfile.TemporaryDirectory() as folder:
            found = measure_beside(base, trees, Path(folder), trials=asked.trials, rounds=asked.rounds, workers=cores())
        Console(width=120).print(beside_table(base, found))
        measured[hidden] = found
    if asked.json:
        write_json(asked.json, {"machine": describe(), "beside": measured})
    return 0


def _layouts(asked: argparse.Namespace) -> int:
    found = []
    for hidden in asked.hidden:
        step = LayoutSpec(
            trials=asked.trials,
            train_steps=asked.steps,
            hidden_size=hidden,
            rounds=asked.rounds,
            machine=this_machine(),
        )
        say = partial(print, f"{hidden} wide:", file=sys.stderr, flush=True)
        found += [{"hidden_size": hidden} | record for record in measure_layouts(step, say)]
    rates: dict[tuple[int, int, int], list[float]] = {}
    others: dict[tuple[int, int, int], float] = {}
    for one in found:
        key = one["hidden_size"], one["workers"], one["threads"]
        others[key] = max(others.get(key, 0.0), one["others"] or 0.0)
        rates.setdefault(key, []).append(one["trials_an_hour"])
    table = Table(title=f"{asked.trials} trials of {asked.steps} steps on {cores()} cores, from the first step on")
    for column in ("hidden size", "workers x threads", "trials/hour", "least - most", "others took"):
        table.add_column(column, justify="right")
    for key, own in rates.items():
        hidden, workers, threads = key
        spread = f"{min(own):,.0f} - {max(own):,.0f}"
        table.add_row(
            str(hidden), f"{workers} x {threads}", f"{statistics.median(own):,.0f}", spread, told_others(others[key])
        )
    Console(width=120).print(table)
    if asked.json:
        write_json(asked.json, {"machine": describe(), "layouts": found})
    return 0
