"""What all sorts of questions have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.instruct.exercise import Exercise, Task
from studylib.data.miniworld.instruct.facts import Facts
from studylib.data.miniworld.instruct.relations import RELATIONS, Relation


class Sort(ABC):
    """One sort of question; a key says which of them.

    Attributes
    ----------
    task, name
        Whose sort it is.
    """

    task: ClassVar[Task]
    name: ClassVar[str]

    def __init__(self, facts: Facts):
        self.facts = facts

    @abstractmethod
    def key(self, draw: Draw) -> Any:
        """By chance, what is common more often."""

    @abstractmethod
    def in_order(self) -> Iterator[Any]:
        """All, the commonest first."""

    @abstractmethod
    def fact(self, key: Any) -> str:
        """What it asks for."""

    @abstractmethod
    def exercise(self, key: Any, draw: Draw) -> Exercise | None:
        """None where it cannot be asked: there is no answer, or none that may be told."""


class OfRelation(Sort):
    """Of one relation of an entity, of those in ``relations``."""

    relations: ClassVar[tuple[Relation, ...]] = RELATIONS

    def key(self, draw: Draw) -> tuple[Relation, int]:
        relation = draw.pick(self.relations)
        return relation, self.facts.common(draw, relation.kind)

    def in_order(self) -> Iterator[tuple[Relation, int]]:
        return self.facts.in_order(self.relations)

    def fact(self, key: tuple[Relation, int]) -> str:
        relation, entity = key
        return relation.fact(entity)
