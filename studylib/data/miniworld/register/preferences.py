"""Pairs of answers about the world, one of them better in one thing: see ``instruct/pairs.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from studylib.data.document import Document
from studylib.data.miniworld.instruct.exercise import Task
from studylib.data.miniworld.register import Register
from studylib.frozen import Frozen, Real

__all__ = ["PREFERENCES"]

About = Literal["truth", "topic", "manner", "ending"]


class Options(Frozen):
    about: Mapping[About, Annotated[Real, Field(ge=0)]] = Field(
        default={"truth": 1, "topic": 1, "manner": 1, "ending": 1},
        description="what the better answer is better in, with weights; a list: alike",
    )
    tasks: tuple[Task, ...] = Field(default=("conversation", "free"), description="what is asked")
    wordings: Literal[1, 4, 16, 64] = Field(default=64, description="how many wordings of every instruction there are")


class Preferences(Register):
    """See the file's beginning."""

    Options = Options
    preferences = True

    def teller(self, seed: int, secret: Callable[[str, int, str], bool], options: Any) -> Callable[[int], Document]:
        raise NotImplementedError


PREFERENCES = Preferences()
