"""Talk about an entity: a question and its answer, and another that only makes sense behind it."""

from __future__ import annotations

from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.instruct.exercise import Exercise
from studylib.data.miniworld.instruct.relations import RELATIONS, Relation
from studylib.data.miniworld.instruct.sort import OfRelation, Sort


class Single(OfRelation):
    """One question."""

    task = "conversation"
    name = "single"

    def exercise(self, key: tuple[Relation, int], draw: Draw) -> Exercise | None:
        relation, entity = key
        value = self.facts.value(relation, entity)
        if value is None:
            return None
        phrase, fact = self.facts.phrase(relation, entity), self.fact(key)
        return Exercise(
            f"{self.task}/{self.name}/{fact}", self.task, self.name, fact, phrase, relation.asked, f"{phrase}は{value}です。",
            (value,), (fact,),
        )  # fmt: skip


class FollowUp(Single):
    """A question about what was asked about before, which it does not name."""

    name = "follow_up"
    _tries = 10

    def exercise(self, key: tuple[Relation, int], draw: Draw) -> Exercise | None:
        relation, entity = key
        value, before = self.facts.value(relation, entity), self._before(key, draw)
        if value is None or before is None:
            return None
        phrase, told, fact = self.facts.phrase(before, entity), self.facts.value(before, entity), self.fact(key)
        noun = self.facts.noun(relation, entity)
        return Exercise(
            f"{self.task}/{self.name}/{fact}", self.task, self.name, fact, noun, relation.asked, f"{noun}は{value}です。",
            (value,), (fact, before.fact(entity)), earlier=((phrase, before.asked, f"{phrase}は{told}です。"),),
        )  # fmt: skip

    def _before(self, key: tuple[Relation, int], draw: Draw) -> Relation | None:
        """Another relation of the entity, one that may be trained on."""
        relation, entity = key
        for _ in range(self._tries):
            other = draw.pick(_OF_KIND[relation.kind])
            known = self.facts.value(other, entity) is not None
            if other is not relation and known and self.facts.may_tell(other.kind, entity, other.slot):
                return other
        return None


_OF_KIND = {kind: tuple(one for one in RELATIONS if one.kind == kind) for kind in {one.kind for one in RELATIONS}}
CONVERSATION: tuple[type[Sort], ...] = (Single, FollowUp)
