"""Exams: exercises about facts that nothing is trained on, of the commonest entities first."""

from __future__ import annotations

from studylib.data.miniworld.instruct.exercise import Exercise, Task


def exam(task: Task, seed: int = 0, *, english_only_share: float = 0.2, count: int = 500) -> list[Exercise]:
    """``count`` exercises of a task, its sorts in turn; the first ones of a longer exam are those of a shorter one.

    Parameters
    ----------
    seed, english_only_share
        Those of the texts that the model was trained on; what only English tells is not asked.
    """
    raise NotImplementedError
