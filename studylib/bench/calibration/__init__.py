"""``study bench calibration``: the study's statistics tried on simulated trials whose truth is known.

Every module of this folder without a leading underscore holds the scenarios of one part of ``studylib.analysis`` and exports
``TITLE`` and ``rows(studies, random_seed)``, a list of ``Row``. What is called is what the notebooks call.
"""

from __future__ import annotations

import argparse
import pkgutil
from importlib import import_module

from rich.console import Console

from studylib.bench.calibration._table import Row, render
from studylib.errors import invalid

__all__ = ["Row", "main", "parts"]


def parts() -> list[str]:
    """Names of the modules with scenarios."""
    return sorted(name for _, name, _ in pkgutil.iter_modules(__path__) if not name.startswith("_"))


def main(arguments: list[str]) -> int:
    """Print the tables; 0 when every promise is kept, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="study bench calibration", description=__doc__)
    parser.add_argument("--only", action="append", metavar="PART", help=f"one of {', '.join(parts())}; repeatable")
    parser.add_argument("--studies", type=int, default=400, help="simulated studies a scenario (default: %(default)s)")
    parser.add_argument("--random-seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    if asked.studies < 20:
        raise invalid("studies", asked.studies, "is too few to tell a share by; give at least 20")
    chosen = asked.only or parts()
    for name in chosen:
        if name not in parts():
            raise invalid("only", name, "is not a part", choices=parts())
    console = Console()
    kept = True
    for name in chosen:
        module = import_module(f"{__name__}.{name}")
        with console.status(f"{module.TITLE}: {asked.studies} studies a scenario"):
            found: list[Row] = module.rows(asked.studies, asked.random_seed)
        console.print(render(module.TITLE, found))
        kept &= all(row.kept for row in found)
    console.print("Every promise is kept." if kept else "[bold red]Not every promise is kept.[/]")
    return 0 if kept else 1
