"""Instructions about the world: what is asked (exercises), in how many words (wordings), and what is kept for exams."""

from __future__ import annotations

from studylib.data.miniworld.instruct.exercise import TASKS, Exercise, Task, examined
from studylib.data.miniworld.instruct.exercises import exam, exercises
from studylib.data.miniworld.instruct.wordings import HELD_OUT, THANKS, TRAINED, answer, ask, first_wordings

__all__ = [
    "HELD_OUT",
    "TASKS",
    "THANKS",
    "TRAINED",
    "Exercise",
    "Task",
    "answer",
    "ask",
    "exam",
    "examined",
    "exercises",
    "first_wordings",
]
