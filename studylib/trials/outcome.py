"""How a trial ended, in one word and one message."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Literal

from studylib.errors import StudyError

Status = Literal["done", "diverged", "crashed", "oom", "timeout"]
EXIT_STATUS: dict[Status, int] = {"done": 0, "crashed": 1, "diverged": 3, "oom": 75, "timeout": 124}
_MESSAGE_CHARACTERS = 2000


@dataclass(frozen=True)
class Outcome:
    status: Status
    message: str = ""

    @property
    def failed(self) -> bool:
        return self.status != "done"


# By name, because knowing torch's class would mean importing torch.
_STATUS_OF_CLASS: dict[str, Status] = {"Diverged": "diverged", "MemoryError": "oom", "OutOfMemoryError": "oom"}


def outcome_of_error(error: BaseException) -> Outcome:
    """The outcome that an exception out of a trainer means."""
    name = type(error).__name__
    message = bounded(str(error) if isinstance(error, StudyError) else f"{name}: {error}" if str(error) else name)
    for kind in type(error).__mro__:
        if kind.__name__ in _STATUS_OF_CLASS:
            return Outcome(_STATUS_OF_CLASS[kind.__name__], message)
    if isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error):  # torch without memory on a CPU
        return Outcome("oom", message)
    if isinstance(error, OSError) and error.errno == 12:  # ENOMEM
        return Outcome("oom", message)
    return Outcome("crashed", message)


def outcome_of_exit(code: int, last_lines: str = "") -> Outcome:
    """The outcome that a process's exit status means when the process could not tell itself.

    ``code`` is as `subprocess` gives it: negative for the signal the process died of.
    """
    said = f": {last_lines}" if last_lines.strip() else ""
    if code in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return Outcome("oom", bounded(f"killed by SIGKILL, most likely because memory ran out{said}"))
    if code == EXIT_STATUS["oom"]:
        return Outcome("oom", bounded(f"out of memory (exit status {code}){said}"))
    if code == EXIT_STATUS["diverged"]:
        return Outcome("diverged", bounded(f"diverged (exit status {code}){said}"))
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return Outcome("crashed", bounded(f"died of {name}{said}"))
    return Outcome("crashed", bounded(f"ended with exit status {code}{said}"))


def bounded(text: str, characters: int = _MESSAGE_CHARACTERS) -> str:
    """``text`` cut in the middle if it is long: the beginning says what, the end says why."""
    if len(text) <= characters:
        return text
    half = characters // 2 - 3
    return f"{text[:half]} ... {text[-half:]}"
