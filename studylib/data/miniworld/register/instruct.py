"""Instructions with their answers, as conversations: see ``instruct``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from studylib.data.document import Document
from studylib.data.miniworld.instruct.exercise import Task
from studylib.data.miniworld.register import Register
from studylib.frozen import Frozen

__all__ = ["INSTRUCT"]


class Options(Frozen):
    task: Task = Field(default="multiple_choice", description="the kind of instruction")
    wordings: Literal[1, 4, 16, 64] = Field(default=64, description="how many wordings of every instruction there are")


class Instruct(Register):
    """Documents are conversations, labelled with task, sort, fact (asked for), facts (all told) and wording."""

    Options = Options
    conversations = True

    def teller(self, seed: int, secret: Callable[[str, int, str], bool], options: Options) -> Callable[[int], Document]:
        raise NotImplementedError


INSTRUCT = Instruct()
