"""A measurement in a process of its own: what this one has allocated, compiled or bound to cores does not matter to it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

from studylib.environment import child_environment
from studylib.errors import StudyError
from studylib.frozen import Frozen

_LAST_WORDS = 60


def records_of(
    module: str, request: Frozen, environment: Mapping[str, str], say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """What ``python -m module`` answers, a JSON record a line, to ``request`` on its stdin.

    A record ``{"said": ...}`` (`studylib.measuring.tell`) is what it is at, and goes to ``say`` as it comes.

    Raises
    ------
    StudyError
        It failed; the message ends with what it said.
    """
    records = []
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        with subprocess.Popen(
            [sys.executable, "-m", module], env=child_environment(**environment), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints,
        ) as process:  # fmt: skip
            try:
                with contextlib.suppress(BrokenPipeError):  # it ended before it read: its complaint says why
                    process.stdin.write(request.model_dump_json())
                    process.stdin.close()
                for line in process.stdout:
                    if not line.startswith("{"):
                        continue
                    record = json.loads(line)
                    if "said" in record:
                        say(f"{request.label}: {record['said']}")
                    else:
                        records.append(record)
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            complaints.seek(0)
            last = " ".join(complaints.read().split()[-_LAST_WORDS:]) or "it said nothing"
            raise StudyError(f"{request.label}: measuring failed: {last}")
    return records
