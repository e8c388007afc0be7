"""Pairs of answers about the world, one better in one thing (``instruct/pairs.py``), as preferences.

Labels
------
``about``, ``way``
    What the chosen answer is better in, and how the other was made worse.
``task``, ``sort``, ``fact``, ``facts``, ``wording``
    As the register ``instruct`` has them; none of the facts is asked for in an exam.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from studylib.data.chat.conversation import Preference
from studylib.data.document import Document
from studylib.data.miniworld.instruct.exercise import Task
from studylib.data.miniworld.instruct.pairs import ABOUT, About, Pairs
from studylib.data.miniworld.instruct.wordings import ask
from studylib.data.miniworld.register import Register
from studylib.frozen import Frozen, Real

__all__ = ["PREFERENCES"]


class Options(Frozen):
    about: dict[About, Annotated[Real, Field(ge=0)]] = Field(
        default=dict.fromkeys(ABOUT, 1.0), description="what one answer is better in, with weights; a list: all alike"
    )
    tasks: tuple[Task, ...] = Field(default=("conversation", "free"), min_length=1, description="what is asked")
    wordings: Literal[1, 4, 16, 64] = Field(default=64, description="how many wordings of every instruction there are")

    @field_validator("about", mode="before")
    @classmethod
    def _all_alike(cls, value: Any) -> Any:
        return value if isinstance(value, Mapping) else dict.fromkeys(value, 1.0)

    @field_validator("about")
    @classmethod
    def _something(cls, value: dict[About, float]) -> dict[About, float]:
        if not sum(value.values()) > 0:
            raise ValueError(f"about: give a weight to at least one of {', '.join(ABOUT)}")
        return value


class Preferences(Register):
    """See the file's beginning."""

    Options = Options
    preferences = True

    def teller(self, seed: int, secret: Callable[[str, int, str], bool], options: Options) -> Callable[[int], Document]:
        pairs = Pairs(seed, secret, options.about, options.tasks, options.wordings)

        def document(index: int) -> Document:
            pair = pairs(index)
            exercise = pair.exercise
            preference = Preference(ask(exercise, pair.wording), pair.chosen, pair.rejected)
            labels = {
                "register": "preferences", "about": pair.about, "way": pair.way, "task": exercise.task, "sort": exercise.sort,
                "fact": exercise.fact, "facts": list(dict.fromkeys(pair.told)), "wording": pair.wording,
            }  # fmt: skip
            return Document(preference.text, labels, origin=f"miniworld preferences {index}", conversation=preference)

        return document


PREFERENCES = Preferences()
