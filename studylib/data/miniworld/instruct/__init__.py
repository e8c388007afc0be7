"""Instructions about the world: what is asked (exercises), in how many words (wordings), and what is kept for exams."""

from __future__ import annotations

from studylib.data.miniworld.instruct.exam import exam
from studylib.data.miniworld.instruct.exercise import TASKS, Exercise, Task, examined
from studylib.data.miniworld.instruct.exercises import exercises
from studylib.data.miniworld.instruct.wordings import HELD_OUT, TRAINED, ask, first_wordings

__all__ = ["HELD_OUT", "TASKS", "TRAINED", "Exercise", "Task", "ask", "exam", "examined", "exercises", "first_wordings"]
