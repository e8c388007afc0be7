"""A measurement in a process of its own: what this one has allocated, compiled or bound to cores does not matter to it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from studylib.environment import child_environment
from studylib.errors import StudyError
from studylib.frozen import Frozen

_LAST_WORDS = 60


def records_of(module: str, request: Frozen, environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """What ``python -m module`` answers, a JSON record a line, to ``request`` on its stdin.

    Raises
    ------
    StudyError
        It failed; the message ends with what it said.
    """
    done = subprocess.run(
        [sys.executable, "-m", module],
        env=child_environment(**environment),
        capture_output=True,
        text=True,
        check=False,
        input=request.model_dump_json(),
    )
    if done.returncode:
        said = " ".join(done.stderr.split()[-_LAST_WORDS:]) or "it said nothing"
        raise StudyError(f"{request.label}: measuring failed: {said}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
