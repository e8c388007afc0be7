"""Questions with choices, of which one is right.

Two sorts are answered by what kind of thing is asked for (``category``, ``type``), one by what a name looks like (``kind``), three by
what the articles tell again and again (``trade``, ``tool``, ``reading``), and one by a single fact (``fact``).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

from studylib.data.miniworld import words as w
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.instruct.categories import Category, categories, others
from studylib.data.miniworld.instruct.exercise import Exercise
from studylib.data.miniworld.instruct.facts import Facts
from studylib.data.miniworld.instruct.relations import RELATIONS, Relation
from studylib.data.miniworld.instruct.sort import OfRelation, Sort
from studylib.data.miniworld.world import SIZES, world_of

_FEWEST, _MOST, _EXAMINED = 2, 5, 4  # choices
_TRIES = 80


class _Choosing(Sort):
    """The right choice and wrong ones are drawn; their places by chance."""

    task = "multiple_choice"

    @abstractmethod
    def question(self, key: Any) -> tuple[str, str] | None:
        """What is asked for and the right choice."""

    @abstractmethod
    def wrong(self, key: Any, draw: Draw) -> str | None:
        """A wrong choice, or one that is taken already or right; None where chance found none.

        Where the right one is a word that is kept for exams, so are the wrong ones: a model has answered with all others.
        """

    def exercise(self, key: Any, draw: Draw) -> Exercise | None:
        asked = self.question(key)
        if asked is None:
            return None
        question, right = asked
        count = _EXAMINED if self.facts.exam else draw.between(_FEWEST, _MOST)
        choices = [right]
        for _ in range(_TRIES):
            if len(choices) == count:
                break
            one = self.wrong(key, draw)
            if one is not None and one not in choices:
                choices.append(one)
        else:
            return None
        place = draw.below(count)
        choices[0], choices[place] = choices[place], right
        fact = self.fact(key)
        return Exercise(
            f"{self.task}/{self.name}/{fact}", self.task, self.name, fact, question, "どれ", right, (right,), (fact,),
            choices=tuple(choices), right=place,
        )  # fmt: skip


class ByCategory(_Choosing):
    """Which of these is a town's name?"""

    name = "category"

    def __init__(self, facts: Facts):
        super().__init__(facts)
        self._all, self._others = categories(facts.seed), others(facts.seed)

    def key(self, draw: Draw) -> tuple[Category, int]:
        category = draw.pick(self._all)
        return category, category.ranks.rank(draw.unit())

    def in_order(self) -> Iterator[tuple[Category, int]]:
        for place in range(max(len(one.members) for one in self._all)):
            yield from ((one, place) for one in self._all if place < len(one.members))

    def fact(self, key: tuple[Category, int]) -> str:
        category, place = key
        return category.members[place].fact

    def question(self, key: tuple[Category, int]) -> tuple[str, str]:
        category, place = key
        return category.phrase, category.members[place].text

    def wrong(self, key: tuple[Category, int], draw: Draw) -> str | None:
        other = draw.pick(self._others[key[0].key])
        member = other.members[self.facts.peer(draw, key[1], len(other.members))]
        return member.text if self.facts.mine(member.fact) else None


class ByKind(ByCategory):
    """What is this the name of?"""

    name = "kind"

    def question(self, key: tuple[Category, int]) -> tuple[str, str]:
        category, place = key
        return f"「{category.members[place].text}」が指すもの", category.word

    def wrong(self, key: tuple[Category, int], draw: Draw) -> str:
        return draw.pick(self._others[key[0].key]).word


class ByType(OfRelation, _Choosing):
    """Something about an entity, where all other choices are no such things: a prize, a dish, a trade."""

    name = "type"
    relations: ClassVar[tuple[Relation, ...]] = tuple(one for one in RELATIONS if one.few)

    def question(self, key: tuple[Relation, int]) -> tuple[str, str] | None:
        relation, entity = key
        value = self.facts.value(relation, entity)
        return None if value is None else (self.facts.phrase(relation, entity), value)

    def wrong(self, key: tuple[Relation, int], draw: Draw) -> str | None:
        other = draw.pick(self.relations)
        if other.group == key[0].group:
            return None
        return self.facts.value(other, self.facts.peer(draw, key[1], SIZES[other.kind]))


class ByFact(ByType):
    """Something about an entity, where the other choices are what it is of others."""

    name = "fact"
    relations = tuple(one for one in RELATIONS if one.chosen)

    def wrong(self, key: tuple[Relation, int], draw: Draw) -> str | None:
        relation, entity = key
        return self.facts.value(relation, self.facts.peer(draw, entity, SIZES[relation.kind]))


class ByTrade(_Choosing):
    """Whose trade is it?"""

    name = "trade"
    _handled = tuple((place, "を扱う職業", one[0]) for place, field in enumerate(w.FIELDS) for one in field.things)
    _studied = tuple((place, "に取り組む職業", one[0]) for place, field in enumerate(w.FIELDS) for one in field.topics)
    _all = _handled + _studied

    def key(self, draw: Draw) -> int:
        return draw.below(len(self._all))

    def in_order(self) -> Iterator[int]:
        return iter(range(len(self._all)))

    def fact(self, key: int) -> str:
        return f"trade/{self._all[key][2]}"

    def question(self, key: int) -> tuple[str, str]:
        field, asks, what = self._all[key]
        return what + asks, w.FIELDS[field].job[0]

    def wrong(self, key: int, draw: Draw) -> str:
        return draw.pick(w.FIELDS).job[0]


class ByTool(ByTrade):
    """What does the trade handle?"""

    name = "tool"
    _all = ByTrade._handled

    def question(self, key: int) -> tuple[str, str]:
        field, _, what = self._all[key]
        return f"{w.FIELDS[field].job[0]}が扱うもの", what

    def wrong(self, key: int, draw: Draw) -> str | None:
        other = draw.below(len(self._all))
        if self._all[other][0] == self._all[key][0] or not self.facts.mine(self.fact(other)):
            return None
        return self._all[other][2]


class ByReading(_Choosing):
    """How is the name read? Wrong ones are readings of as many characters, where there are such."""

    name = "reading"
    _kinds = ("town", "person", "feature")

    def __init__(self, facts: Facts):
        super().__init__(facts)
        world = world_of(facts.seed)
        self._readings = {
            "town": [one.kana for one in world.towns],
            "person": [one.kana for one in world.people],
            "feature": [one.kana for one in world.features],
        }

    def key(self, draw: Draw) -> tuple[str, int]:
        kind = draw.pick(self._kinds)
        return kind, self.facts.common(draw, kind)

    def in_order(self) -> Iterator[tuple[str, int]]:
        for entity in range(max(SIZES.values())):
            for kind in self._kinds:
                if entity < SIZES[kind]:
                    yield kind, entity

    def fact(self, key: tuple[str, int]) -> str:
        kind, entity = key
        return f"{kind}/{entity}/reading"

    def question(self, key: tuple[str, int]) -> tuple[str, str]:
        kind, entity = key
        return f"{self.facts.name(kind, entity)}の読み方", self._readings[kind][entity]

    def wrong(self, key: tuple[str, int], draw: Draw) -> str | None:
        kind, entity = key
        right, place = self._readings[kind][entity], self.facts.peer(draw, entity, SIZES[kind])
        other = self._readings[kind][place]
        return other if abs(len(other) - len(right)) <= 1 and self.facts.mine(self.fact((kind, place))) else None


# As often as they stand here: more often what small models can learn.
MULTIPLE_CHOICE: tuple[type[Sort], ...] = (
    ByType, ByKind, ByType, ByKind, ByType, ByKind, ByType, ByCategory, ByTrade, ByFact, ByTool, ByReading,
)  # fmt: skip
