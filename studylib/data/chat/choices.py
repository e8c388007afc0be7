"""Questions with choices, as rows hold them: ``question``, ``choices``, and ``answer_index`` from 0 or ``answer``."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studylib.errors import invalid

SHAPES = ("question, choices, answer_index", "question, choices, answer")


@dataclass(frozen=True)
class ChoiceQuestion:
    """A question; ``right`` is the place of the right one among its choices."""

    question: str
    choices: tuple[str, ...]
    right: int


def choice_question(row: Mapping[str, Any], origin: str) -> ChoiceQuestion:
    """Of a row; ``answer`` is one of the choices, or its letter.

    Raises
    ------
    StudyError
        The row is no such question.
    """
    if not {"question", "choices"} <= row.keys() or not {"answer_index", "answer"} & row.keys():
        raise invalid("fields", ", ".join(map(str, row)), "are no question with choices", choices=SHAPES, file=origin)
    question, choices = row["question"], row["choices"]
    if not isinstance(question, str) or not question.strip():
        raise invalid("question", question, "is no text", file=origin)
    if not isinstance(choices, list) or len(choices) < 2 or not all(isinstance(one, str) and one for one in choices):
        raise invalid("choices", choices, "are not two texts or more", file=origin)
    right = row.get("answer_index")
    if right is None:
        right = _place(row.get("answer"), choices, origin)
    if isinstance(right, bool) or not isinstance(right, int) or not 0 <= right < len(choices):
        raise invalid("answer_index", right, f"is not a place among {len(choices)} choices, from 0", file=origin)
    return ChoiceQuestion(question, tuple(choices), right)


def _place(answer: Any, choices: list[str], origin: str) -> int:
    letters = string.ascii_uppercase[: len(choices)]
    if answer in choices:
        return choices.index(answer)
    if not isinstance(answer, str) or len(answer) != 1 or answer.upper() not in letters:
        raise invalid(
            "answer", answer, "is not one of the choices, nor the letter of one", choices=choices, file=origin
        )
    return letters.index(answer.upper())
