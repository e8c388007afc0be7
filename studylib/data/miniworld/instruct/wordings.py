"""How instructions are worded: 64 numbered ways to be trained on and 16 that only exams use."""

from __future__ import annotations

from studylib.data.chat.conversation import Message
from studylib.data.miniworld.instruct.exercise import Exercise

TRAINED = range(64)
HELD_OUT = range(64, 80)


def ask(exercise: Exercise, wording: int) -> tuple[Message, ...]:
    """The messages that ask for an exercise's answer, in wording number ``wording``; the last is the user's."""
    raise NotImplementedError


def answer(exercise: Exercise, wording: int) -> str:
    """The right answer as this wording wants it: of multiple choice the words, or the mark before them.

    Held-out wordings always want the words, so that ``exercise.choices`` are what may be answered.
    """
    raise NotImplementedError


def first_wordings(seed: int, count: int) -> tuple[int, ...]:
    """The first ``count`` of the trained wordings in the order drawn for a seed, so that few are among many."""
    raise NotImplementedError
