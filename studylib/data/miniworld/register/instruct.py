"""Instructions about the world with their answers, as conversations: see ``instruct``.

Labels
------
``task``, ``sort``
    The kind of instruction and of question.
``fact``, ``facts``
    What is asked for, and all that is told, in the names of ``Exercise.fact``; none of them is asked for in an exam.
``wording``
    Its number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from studylib.data.chat.conversation import Conversation, Message
from studylib.data.document import Document
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.instruct import THANKS, Task, answer, ask, exercises, first_wordings
from studylib.data.miniworld.register import Register
from studylib.frozen import Frozen

__all__ = ["INSTRUCT"]

_THANKED = 0.25  # of conversations


class Options(Frozen):
    task: Task = Field(default="multiple_choice", description="the kind of instruction")
    wordings: Literal[1, 4, 16, 64] = Field(default=64, description="how many wordings of every instruction there are")


class Instruct(Register):
    """See the file's beginning."""

    Options = Options
    conversations = True

    def teller(self, seed: int, secret: Callable[[str, int, str], bool], options: Options) -> Callable[[int], Document]:
        task = options.task
        drawn, wordings = exercises(task, seed, secret), first_wordings(seed, options.wordings)

        def document(index: int) -> Document:
            draw = Draw("instruct", task, seed, index)
            # Of few wordings and of many, documents of one number ask the same.
            place, thanked = draw.unit(), draw.chance(_THANKED)
            exercise = drawn(draw)
            wording = wordings[int(place * len(wordings))]
            messages = (*ask(exercise, wording), Message("assistant", answer(exercise, wording)))
            if task == "conversation" and thanked:
                messages += THANKS
            conversation = Conversation(messages)
            labels = {
                "register": "instruct", "task": task, "sort": exercise.sort, "fact": exercise.fact, "facts": list(exercise.told),
                "wording": wording,
            }  # fmt: skip
            return Document(
                conversation.text, labels, origin=f"miniworld instruct {task} {index}", conversation=conversation
            )

        return document


INSTRUCT = Instruct()
