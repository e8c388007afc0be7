"""The world's facts from one side: those that may be trained on, or those that exams are about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from studylib.data.miniworld.article import ASKABLE, slots_of
from studylib.data.miniworld.draw import Draw, Zipf
from studylib.data.miniworld.instruct.exercise import examined
from studylib.data.miniworld.instruct.relations import RELATIONS, Relation
from studylib.data.miniworld.world import SIZES

T = TypeVar("T")
Secret = Callable[[str, int, str], bool]

_RANKS = {size: Zipf(size, 0.9) for size in set(SIZES.values())}
_PEERS = 20  # entities about as common as the commonest


class Facts:
    """What is known of entities in Japanese.

    Parameters
    ----------
    secret
        Which facts must not be told.
    exam
        Which side: facts that are kept for exams, or all others.
    """

    def __init__(self, seed: int, secret: Secret, *, exam: bool):
        self.seed, self.exam, self._secret = seed, exam, secret
        self._examined: dict[str, bool] = {}

    def mine(self, fact: str) -> bool:
        """Whether a fact is on this side."""
        found = self._examined.get(fact)
        if found is None:
            found = self._examined[fact] = examined(self.seed, fact)
        return found == self.exam

    def slots(self, kind: str, entity: int) -> dict[str, Any]:
        return slots_of(self.seed, kind, entity, 0)

    def hidden(self, kind: str, entity: int, relation: str) -> bool:
        """Whether only English tells it."""
        return relation in ASKABLE[kind] and self._secret(kind, entity, relation)

    def may_tell(self, kind: str, entity: int, relation: str) -> bool:
        """Whether it may stand beside what is asked for: in an exam whatever Japanese tells."""
        if self.hidden(kind, entity, relation):
            return False
        return self.exam or self.mine(f"{kind}/{entity}/{relation}")

    def value(self, relation: Relation, entity: int) -> str | None:
        """The answer with its unit; None where there is none, or none that Japanese tells."""
        found = self.slots(relation.kind, entity).get(relation.slot)
        if found is None or self.hidden(relation.kind, entity, relation.slot):
            return None
        return found + relation.unit

    def phrase(self, relation: Relation, entity: int) -> str:
        """What is asked for: 北原健の趣味."""
        return self.name(relation.kind, entity) + relation.joint + self.noun(relation, entity)

    def noun(self, relation: Relation, entity: int) -> str:
        """Without whose it is: 趣味."""
        return relation.noun.format_map(self.slots(relation.kind, entity)) if "{" in relation.noun else relation.noun

    def name(self, kind: str, entity: int) -> str:
        """As it is written within a sentence: works in brackets."""
        name = self.slots(kind, entity)["name"]
        return f"『{name}』" if kind == "work" else name

    @staticmethod
    def common(draw: Draw, kind: str) -> int:
        """An entity, common ones more often, as articles are about them."""
        return _RANKS[SIZES[kind]].rank(draw.unit())

    @staticmethod
    def peer(draw: Draw, entity: int, size: int) -> int:
        """An entity about as common, so that a wrong answer is no rarer than the right one."""
        return draw.below(min(size, 2 * entity + _PEERS))

    def in_order(self, relations: tuple[Relation, ...] = RELATIONS) -> Iterator[tuple[Relation, int]]:
        """All that can be asked, of the commonest entities first, the kinds in turn."""
        for entity in range(max(SIZES.values())):
            for relation in relations:
                if entity < SIZES[relation.kind]:
                    yield relation, entity
