"""What says who made a study, or on which machine and where: taken out or refused before anything is published."""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from studylib.errors import StudyError

_MACHINE = ("processor", "cores", "memory_gib", "system", "gpus")  # what tells a speed, and nobody's machine
# From the root: two names anywhere, or one that a text begins with; under a home; a Windows path; a file's address.
_ABSOLUTE = re.compile(r"(?<![\w.~/:<-])(?:/[\w.+@-]+){2,}|^/\w[\w.+@-]*|~/[\w.+@-]+|\b[A-Za-z]:\\\w|\bfile://")
_SHORTEST = 3  # characters of a name that identifies somebody
_ANYBODY = ("root", "user", "localhost", "ubuntu", "runner", "admin")


def described(machine: dict[str, Any]) -> dict[str, Any]:
    """Of a machine what its speed depends on."""
    return {name: machine[name] for name in _MACHINE if name in machine}


def without_folders(message: str) -> str:
    """A message in which files are called by their last name."""
    return _ABSOLUTE.sub(lambda found: found[0].replace("\\", "/").rsplit("/", 1)[-1] or "...", message)


def check_private(name: str, content: str) -> None:
    """Refuse text, or JSON, that tells where or by whom it was made.

    Raises
    ------
    StudyError
        An absolute path, or the name of this host or user, is in it; ``name`` says of what, and the field is named.
    """
    strings = _strings(json.loads(content)) if content.startswith("{") else [("", content)]
    for field, value in strings:
        if why := identifying(value):
            raise StudyError(f"{': '.join(filter(None, (name, field)))}: {value[:120]!r} {why}, which is not published")


@lru_cache(100_000)  # most strings are in every record
def identifying(text: str, *, paths: bool = True) -> str:
    """Why a text may not be published; empty if it may. Without ``paths`` an absolute one is let be."""
    if paths and _ABSOLUTE.search(text):
        return "holds an absolute path"
    return next((f"holds the name of this {what}" for what, one in _names().items() if one.search(text)), "")


@cache
def _names() -> dict[str, re.Pattern[str]]:
    """Patterns of this host's and user's names, those apart that anybody's may be."""
    found = {"host": socket.gethostname().partition(".")[0]}
    try:
        found["user"] = getpass.getuser()
    except (KeyError, OSError):  # a user without an entry, as containers have
        found["user"] = os.environ.get("USER", "")
    found["home"] = Path.home().name
    return {
        what: re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
        for what, name in found.items()
        if len(name) >= _SHORTEST and name not in _ANYBODY
    }


def _strings(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Every string of a JSON value, keys too, with the dotted field it is in."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield f"{field}.{key}".lstrip("."), key
            yield from _strings(inner, f"{field}.{key}".lstrip("."))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _strings(inner, f"{field}.{place}".lstrip("."))
