"""Exams of miniworld: which questions a trial is asked, and in which wordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from studylib.data.chat.conversation import Message
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.instruct import HELD_OUT, TRAINED, Exercise, Task, answer, ask, exam
from studylib.data.source.miniworld import told_by
from studylib.errors import invalid
from studylib.spec import DataSpec

WORDINGS = (*TRAINED, *HELD_OUT)
_MOST = 20_000  # questions of an exam that are looked through for those of some sorts


@dataclass(frozen=True)
class Question:
    """An exercise in one of its wordings."""

    exercise: Exercise
    wording: int

    @property
    def item(self) -> str:
        return self.exercise.id

    @property
    def about(self) -> dict[str, Any]:
        """Columns of its row."""
        one = self.exercise
        told = "\n".join(message.content for message in self.prompt)
        about = {"item": one.id, "task": one.task, "sort": one.sort, "fact": one.fact, "wording": self.wording}
        return about | {"question": told, "answer": self.answer}

    @property
    def prompt(self) -> tuple[Message, ...]:
        return ask(self.exercise, self.wording)

    @property
    def answer(self) -> str:
        """The right one, as this wording wants it."""
        return answer(self.exercise, self.wording)

    @property
    def right_answers(self) -> tuple[str, ...]:
        """The answer that is learnt, and the bare word for it where one word is enough."""
        return (self.answer, *(self.exercise.keys if self.exercise.needed == 1 else ()))

    @property
    def choices(self) -> tuple[str, ...]:
        """What may be answered: the words, or in a wording that wants them the marks before them."""
        one = self.exercise
        each = (replace(one, right=place, answer=choice) for place, choice in enumerate(one.choices))
        return tuple(answer(other, self.wording) for other in each)


def exam_questions(
    data: DataSpec, task: Task, *, count: int, sorts: Sequence[str] = (), wordings: Sequence[int] = (), each: int = 1
) -> list[Question]:
    """``count`` exercises about the world that ``data`` tell of, each in ``each`` different wordings.

    Parameters
    ----------
    sorts
        Of questions; none: all that there are.
    wordings
        Their numbers; none: those that nothing is trained on. Which ones an exercise is asked in is drawn by its id, so every
        trial is asked the same.

    Raises
    ------
    StudyError
        The data tell of no miniworld or of two, or there is no question of such a sort.
    """
    seed, share = told_world(data)
    found = _of_sorts(task, seed, share, count, tuple(sorts))
    wordings = tuple(wordings) or tuple(HELD_OUT)
    return [Question(one, wording) for one in found for wording in drawn_wordings(wordings, each, one.id)]


def check_wordings(wordings: Sequence[int], known: Sequence[int] = WORDINGS) -> None:
    for one in wordings:
        if one not in known:
            raise invalid("evaluation.wordings", one, f"is no number of a wording, which go from 0 to {len(known) - 1}")


@lru_cache(maxsize=8)  # a second each, and a worker asks many trials of one world
def _of_sorts(task: Task, seed: int, share: float, count: int, sorts: tuple[str, ...]) -> list[Exercise]:
    asked = count
    while True:
        whole = exam(task, seed, english_only_share=share, count=asked)
        found = [one for one in whole if not sorts or one.sort in sorts][:count]
        if len(found) == count or len(whole) < asked or asked >= _MOST:
            break
        asked = min(2 * asked, _MOST)
    known = sorted({one.sort for one in whole})
    for sort in sorts:
        if sort not in known:
            raise invalid("evaluation.sorts", sort, f"is no sort of question of task {task}", choices=known)
    return found


def told_world(data: DataSpec) -> tuple[int, float]:
    """Seed and share of what only English tells: of its text, else of the text that its tokenizer is from."""
    worlds = sorted({(one.seed, one.english_only) for one in told_by(data.sources)})
    if not worlds and data.tokenizer_of is not None:
        return told_world(data.tokenizer_of)
    if len(worlds) != 1:
        why = f"asks about the one miniworld that a trial's text tells of; its sources tell of {len(worlds) or 'none'}"
        raise invalid("evaluation.benchmark", "exam", f"{why}; give a benchmark with a file of its own (path)")
    return worlds[0]


def drawn_wordings(wordings: Sequence[int], each: int, item: str) -> list[int]:
    """``each`` different ones of ``wordings``, or all; equal items have equal ones."""
    draw = Draw("wordings", item)
    by_chance = sorted(wordings, key=lambda _: draw.unit())
    return sorted(by_chance[:each])
