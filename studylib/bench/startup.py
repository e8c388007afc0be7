"""``study bench startup``: what a user waits for: imports, planning, and a second run of a finished study."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path


def _seconds(command: list[str], repeats: int) -> list[float]:
    found = []
    for index in range(repeats + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        if index:  # the first fills the file cache
            found.append(time.perf_counter() - began)
    return found


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="study bench startup", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--scale", default="quick", help="scale planned and run again (default: %(default)s)")
    parser.add_argument(
        "--again", action="store_true", help="also time a second `study run`; the first must be finished"
    )
    asked = parser.parse_args(arguments)
    study = str(Path(sys.executable).with_name("study"))
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import studylib": [sys.executable, "-c", "import studylib"],
        f"study plan --scale {asked.scale}": [study, "plan", "--scale", asked.scale],
    }
    if asked.again:
        commands[f"study run --scale {asked.scale}, again"] = [study, "run", "--scale", asked.scale]
    for name, command in commands.items():
        found = _seconds(command, asked.repeats)
        print(f"{name:40} median {statistics.median(found):.2f} s, {min(found):.2f} - {max(found):.2f} s")
    return 0
