"""What is asked and what is right, before it is worded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from studylib.data.miniworld.draw import chosen

Task = Literal["multiple_choice", "conversation", "passage", "free"]
TASKS: tuple[Task, ...] = get_args(Task)

_EXAMINED = 0.2  # of all facts


@dataclass(frozen=True, slots=True)
class Exercise:
    """One thing to be asked, with its answer by the world's facts.

    Attributes
    ----------
    id
        Unlike that of every other exercise of a seed.
    task, sort
        The kind of instruction, and within it the kind of question (``fact``, ``category``, ``explain``, ...).
    fact
        What it asks for: ``kind/entity/relation`` as in the documents' labels, ``is/kind/entity`` (that a name is a
        town's) or ``is/food/word``.
    question, asked
        What is asked for as a noun phrase, and the word that asks for it (何, どこ, 誰, ...); of a free instruction the
        verb up to its て.
    answer
        The answer that is learnt, in full; of multiple choice the right choice.
    keys, needed
        Of these words a true answer holds ``needed`` or more.
    told
        All facts that question, answer, passage and what comes earlier tell, ``fact`` among them.
    choices, right
        Of multiple choice, and which of them is right; else ``()`` and 0.
    passage
        The text that answers the question, or "".
    earlier
        Question and answer that come before, as (noun phrase, word that asks, answer).
    """

    id: str
    task: Task
    sort: str
    fact: str
    question: str
    asked: str
    answer: str
    keys: tuple[str, ...]
    told: tuple[str, ...]
    needed: int = 1
    choices: tuple[str, ...] = ()
    right: int = 0
    passage: str = ""
    earlier: tuple[tuple[str, str, str], ...] = ()


def examined(seed: int, fact: str) -> bool:
    """Whether a fact is kept for exams: no document of ``instruct`` or ``preferences`` tells it or asks for it."""
    return chosen(_EXAMINED, "exam", seed, fact)


def is_fact(kind: str, entity: int | str) -> str:
    """That a name is a town's, a word a dish."""
    return f"is/{kind}/{entity}"
