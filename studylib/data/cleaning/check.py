"""Steps looked at before anything starts."""

from __future__ import annotations

from collections.abc import Sequence

from studylib.errors import StudyError
from studylib.spec import CleanerSpec


def check_steps(field: str, steps: Sequence[CleanerSpec], *, online: bool = True) -> None:
    """Raise StudyError, which begins with ``field``, if something that a step needs (a list, a text) cannot be had.

    ``online=False`` leaves unasked what only a server can tell.
    """
    for step in steps:
        try:
            built = step.built()
            if online or not built.remote:
                built.check()
        except StudyError as error:
            raise StudyError(f"{field}: {step.cleaner}: {error}") from None
