"""``study bench gpu``: everything that only a GPU can show, part by part, into one JSON file.

Each part is a process of its own with a limit, so that a crash or a hang of one does not end the others. What is in the file is
kept: run again, only parts that are missing, failed or were skipped are run.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from studylib.bench.gpu.parts import PARTS, Setting
from studylib.bench.gpu.runner import Run

_WIDTH, _ERROR = 200, 600  # characters


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="study bench gpu", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("gpu.json"), help="default: %(default)s")
    parser.add_argument("--minutes", type=float, default=60.0, help="for all parts together (default: %(default)s)")
    parser.add_argument("--only", action="append", choices=PARTS, help="only these parts")
    parser.add_argument("--again", action="store_true", help="also parts that are in the file and succeeded")
    parser.add_argument("--work", type=Path, help="folder for logs and trials; left out: a temporary one")
    asked = parser.parse_args(arguments)
    wanted = [name for name in PARTS if not asked.only or name in asked.only]
    import torch

    if not torch.cuda.is_available():
        print("torch sees no CUDA device here. With one, these parts would run:")
        for name in wanted:
            print(f"  {name:10} {PARTS[name].about} (at most {PARTS[name].seconds:g} s)")
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        run = Run(asked.out, Setting("cuda", asked.work or Path(temporary)), seconds=60 * asked.minutes)
        found = run.carry_out(wanted, again=asked.again)
    print_summary({name: found[name] for name in wanted})
    return 0 if all(found[name]["status"] == "ok" for name in wanted) else 1


def print_summary(found: dict[str, dict]) -> None:
    """A line a record that says something, and at the end what went wrong."""
    for name, part in found.items():
        print(f"== {name}: {part['status']}, {part['seconds']:.0f} s")
        for record in part["records"]:
            shown = {key: value for key, value in record.items() if key not in ("name", "ok", "error")}
            if shown and "skipped" not in shown:
                numbers = ", ".join(f"{key} {_short(value)}" for key, value in shown.items())
                print(f"   {record['name']}: {numbers}"[:_WIDTH])
    for name, part in found.items():
        for record in part["records"]:
            if record.get("ok") is False:
                print(f"!! {name}: {record['name']}: {record.get('error', 'not as it must be')[-_ERROR:]}")
        if part["status"] != "ok":
            print(f"!! {name}: {part['error'][-_ERROR:]}")


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
