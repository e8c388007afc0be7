"""``study bench layout``: how many workers of how many threads train most tiny trials an hour on these cores."""

from __future__ import annotations

import argparse
import statistics
import sys
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from studylib.bench.timing import told_others
from studylib.environment import cores
from studylib.files import write_json
from studylib.machine import describe, this_machine
from studylib.spec import LayoutSpec
from studylib.trials.layout import measure_layouts


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="study bench layout", description=__doc__)
    parser.add_argument("--trials", type=int, default=8, help="of each round (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=150, help="of each trial (default: %(default)s)")
    parser.add_argument(
        "--hidden", type=int, nargs="+", default=[56, 128], help="widths, two layers (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the figures here")
    asked = parser.parse_args(arguments)
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
    table = Table(
        title=f"{asked.trials} trials of {asked.steps} steps on {cores()} cores; start of the workers included"
    )
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
