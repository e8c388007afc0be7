"""Errors that a user can mend: one line naming the place, the value and what would be valid."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class StudyError(ValueError):
    """Bad input. The command line prints it as one line and exits with status 2."""


def did_you_mean(value: Any, choices: Iterable[Any]) -> str:
    """A suggestion such as ``" (did you mean swiglu?)"``, or an empty string when nothing is close."""
    close = difflib.get_close_matches(str(value), [str(choice) for choice in choices], n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def invalid(
    field: str, value: Any, why: str = "", *, choices: Iterable[Any] | None = None, file: Any = None, near: Any = None
) -> StudyError:
    """Build the one-line error; ``raise invalid("model.norm", "rmsnrm", choices=NORMS)``.

    The suggestion is the choice nearest to ``near``, which is ``value`` unless given.
    """
    shown = repr(value)
    if len(shown) > 120:
        shown = shown[:117] + "..."
    message = f"{file}: " if file else ""
    message += f"{field}: {shown}"
    message += f" {why}" if why else " is not valid"
    if choices is not None:
        listed = [str(choice) for choice in choices]
        message += f"; choose from {', '.join(listed)}{did_you_mean(value if near is None else near, listed)}"
    return StudyError(" ".join(message.split()))
