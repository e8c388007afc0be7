"""Exercises to be trained on, by chance."""

from __future__ import annotations

from collections.abc import Callable

from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.instruct.exercise import Exercise, Task

Secret = Callable[[str, int, str], bool]


def exercises(task: Task, seed: int, secret: Secret) -> Callable[[Draw], Exercise]:
    """What draws an exercise of a task about facts that no exam asks for, common entities more often.

    ``secret`` is that of ``english_only``: facts that must not be told.
    """
    raise NotImplementedError
