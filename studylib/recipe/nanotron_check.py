"""Whether nanotron's own classes read a configuration, and understand all of it.

In a process of its own: nanotron loads torch, and a second version of it must not meet the first. nanotron reads a model's
configuration whose keys it does not know as a plain mapping, without a word; what it made of every key is therefore compared.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from studylib.errors import StudyError, invalid
from studylib.frozen import Frozen

_PARSER = "studylib.recipe._parse_nanotron"
_SECONDS = 120


class Understood(Frozen):
    """What nanotron made of a file."""

    model: str
    version: str
    keys: int
    batch: int


def nanotron_check(file: Path, head: Path | None = None) -> Understood:
    """Have nanotron read ``file``: the installed version, or the checkout (or its ``src``) in the folder ``head``.

    Raises
    ------
    StudyError
        It refuses the file, takes the model's configuration for a mapping, or changes a value.
    """
    search = [] if head is None else [str(_package(head))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*search, str(_ROOT), *_paths()])}
    command = [sys.executable, "-m", _PARSER, str(Path(file).absolute()), *search]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=_SECONDS, check=False)
    if done.returncode:
        raise StudyError(f"{file}: nanotron cannot read it: {_last_line(done.stderr)}")
    said = json.loads(done.stdout.splitlines()[-1])
    if said["changed"]:
        key, given, got = said["changed"][0]
        raise StudyError(f"{file}: {key}: {given!r} became {got!r} in nanotron {said['version']}")
    return Understood(model=said["model"], version=said["version"], keys=said["keys"], batch=said["batch"])


_ROOT = Path(__file__).resolve().parents[2]


def _paths() -> list[str]:
    given = os.environ.get("PYTHONPATH", "")
    return [one for one in given.split(os.pathsep) if one]


def _package(head: Path) -> Path:
    for folder in (Path(head) / "src", Path(head)):
        if (folder / "nanotron" / "config").is_dir():
            return folder.absolute()
    raise invalid("--nanotron-head", str(head), "is no checkout of nanotron: src/nanotron/config is missing")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
