"""Free instructions: explain, list, rewrite, read, say what it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from studylib.data.miniworld import words as w
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.instruct.categories import Category, Member, categories
from studylib.data.miniworld.instruct.conversation import Single
from studylib.data.miniworld.instruct.exercise import Exercise, is_fact
from studylib.data.miniworld.instruct.facts import Facts
from studylib.data.miniworld.instruct.multiple_choice import ByKind, ByReading
from studylib.data.miniworld.instruct.relations import Relation
from studylib.data.miniworld.instruct.sort import Sort
from studylib.data.miniworld.world import SIZES, world_of

_TRIES = 40

# How entities of a kind are explained in one sentence, and by which relations.
_EXPLAINED: dict[str, tuple[str, tuple[str, ...]]] = {
    "person": ("{name}は、{town}出身の{job}です。", ("town", "job")),
    "town": ("{name}は、{region}にある{rank}です。", ("region",)),
    "firm": ("{name}は、{town}に本社がある会社です。", ("town",)),
    "work": ("『{name}』は、{author}が書いた{genre}です。", ("author", "genre")),
    "species": ("{name}は、{region}に分布する{kind}です。", ("region",)),
    "feature": ("{name}は、{region}にある{kind}です。", ("region",)),
}
_SAID_LAST = {"town": "rank", "firm": "会社", "species": "kind", "feature": "kind"}  # a key beside the relations


class Explain(Sort):
    """Explain a name in one sentence; true if all that the world's own sentence says is said."""

    task = "free"
    name = "explain"
    _kinds = tuple(_EXPLAINED)

    def key(self, draw: Draw) -> tuple[str, int]:
        kind = draw.pick(self._kinds)
        return kind, self.facts.common(draw, kind)

    def in_order(self) -> Iterator[tuple[str, int]]:
        for entity in range(max(SIZES.values())):
            yield from ((kind, entity) for kind in self._kinds if entity < SIZES[kind])

    def fact(self, key: tuple[str, int]) -> str:
        return is_fact(*key)

    def exercise(self, key: tuple[str, int], draw: Draw) -> Exercise | None:
        kind, entity = key
        sentence, relations = _EXPLAINED[kind]
        if not all(self.facts.may_tell(kind, entity, one) for one in relations):
            return None
        slots, fact = self.facts.slots(kind, entity), self.fact(key)
        last = _SAID_LAST.get(kind)
        words = [slots[one] for one in relations] + ([slots.get(last, last)] if last else [])
        return Exercise(
            f"free/{self.name}/{fact}", "free", self.name, fact, f"{self.facts.name(kind, entity)}を一文で説明し", "",
            sentence.format_map(slots), tuple(words), (fact, *(f"{kind}/{entity}/{one}" for one in relations)), len(words),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Group:
    """Things that can be listed: 川端県にある町; ``fact`` says what they are."""

    fact: str
    phrase: str
    members: tuple[Member, ...]


@lru_cache(maxsize=4)
def _groups(seed: int) -> tuple[_Group, ...]:
    """Categories, and what has a property in common."""
    world = world_of(seed)
    found = [_Group(f"list/{one.key}", one.phrase, one.members) for one in categories(seed)]
    towns, people, species = world.towns, world.people, world.species
    for place, region in enumerate(world.regions):
        inside = tuple(Member(f"town/{one.index}/region", one.name[0]) for one in towns if one.region == place)
        found.append(_Group(f"list/town/region/{place}", f"{region[0]}にある町の名前", inside))
        living = tuple(Member(f"species/{one.index}/region", one.name[0]) for one in species if one.region == place)
        found.append(_Group(f"list/species/region/{place}", f"{region[0]}に分布する生き物の名前", living))
    for place, field in enumerate(w.FIELDS):
        working = tuple(Member(f"person/{one.index}/job", one.name[0]) for one in people if one.field == place)
        found.append(_Group(f"list/person/job/{place}", f"{field.job[0]}の名前", working))
        handled = tuple(Member(f"trade/{one[0]}", one[0]) for one in field.things)
        found.append(_Group(f"list/trade/{place}", f"{field.job[0]}が扱うもの", handled))
    for place, genre in enumerate(w.GENRES):
        books = tuple(Member(f"work/{one.index}/genre", one.name[0]) for one in world.works if one.genre == place)
        found.append(_Group(f"list/work/genre/{place}", f"{genre[0]}の題名", books))
    return tuple(one for one in found if len(one.members) >= _NUMBERS[-1][0])


_NUMBERS = ((1, "一つ"), (2, "二つ"), (3, "三つ"))


class List(Sort):
    """Name some of a group; true if so many of what is named belong to it."""

    task = "free"
    name = "list"
    _commonest = 30  # members that are named

    def __init__(self, facts: Facts):
        super().__init__(facts)
        self._all = tuple(product(_groups(facts.seed), _NUMBERS[1:]))

    def key(self, draw: Draw) -> tuple[_Group, tuple[int, str]]:
        return draw.pick(self._all)

    def in_order(self) -> Iterator[tuple[_Group, tuple[int, str]]]:
        return iter(self._all)

    def fact(self, key: tuple[_Group, tuple[int, str]]) -> str:
        return key[0].fact

    def exercise(self, key: tuple[_Group, tuple[int, str]], draw: Draw) -> Exercise | None:
        group, (count, word) = key
        named: list[Member] = []
        for _ in range(_TRIES):
            one = group.members[draw.below(min(len(group.members), self._commonest))]
            if one not in named and (self.facts.exam or self.facts.mine(one.fact)):
                named.append(one)
            if len(named) == count:
                break
        else:
            return None
        texts = tuple(one.text for one in group.members)
        return Exercise(
            f"free/{self.name}/{group.fact}/{count}", "free", self.name, group.fact, f"{group.phrase}を{word}挙げ", "",
            f"{'、'.join(one.text for one in named)}です。", texts, (group.fact, *(one.fact for one in named)), count,
        )  # fmt: skip


class Example(List):
    """Name one."""

    name = "example"

    def __init__(self, facts: Facts):
        super().__init__(facts)
        self._all = tuple(product(_groups(facts.seed), _NUMBERS[:1]))


# Plain and polite ends of a sentence that says the same.
_ENDS = (
    ("だ", "です"), ("だった", "でした"), ("らしい", "らしいです"), ("だと思う", "だと思います"), ("だろう", "でしょう"),
    ("だよ", "ですよ"), ("だそうだ", "だそうです"), ("のようだ", "のようです"),
)  # fmt: skip


class Polite(Single):
    """Say a plain sentence politely; there is one right way."""

    task = "free"
    name = "polite"

    def exercise(self, key: tuple[Relation, int], draw: Draw) -> Exercise | None:
        relation, entity = key
        value = self.facts.value(relation, entity)
        if value is None:
            return None
        said, fact = f"{self.facts.phrase(relation, entity)}は{value}", self.fact(key)
        plain, polite = draw.pick(_ENDS)
        return Exercise(
            f"free/{self.name}/{fact}", "free", self.name, fact, f"「{said}{plain}。」を丁寧な言い方に直し", "",
            f"{said}{polite}。", (f"{said}{polite}",), (fact,),
        )  # fmt: skip


class Reading(Sort):
    """Write a name in hiragana."""

    task = "free"
    name = "reading"

    def __init__(self, facts: Facts):
        super().__init__(facts)
        self._names = ByReading(facts)

    def key(self, draw: Draw) -> tuple[str, int]:
        return self._names.key(draw)

    def in_order(self) -> Iterator[tuple[str, int]]:
        return self._names.in_order()

    def fact(self, key: tuple[str, int]) -> str:
        return self._names.fact(key)

    def exercise(self, key: tuple[str, int], draw: Draw) -> Exercise:
        fact, (_, reading) = self.fact(key), self._names.question(key)
        return Exercise(
            f"free/{self.name}/{fact}", "free", self.name, fact, f"「{self.facts.name(*key)}」の読みをひらがなで書い", "",
            f"{reading}です。", (reading,), (fact,),
        )  # fmt: skip


class Classify(Sort):
    """Say what a name is the name of, in a word."""

    task = "free"
    name = "classify"

    def __init__(self, facts: Facts):
        super().__init__(facts)
        self._names = ByKind(facts)

    def key(self, draw: Draw) -> tuple[Category, int]:
        return self._names.key(draw)

    def in_order(self) -> Iterator[tuple[Category, int]]:
        return self._names.in_order()

    def fact(self, key: tuple[Category, int]) -> str:
        return self._names.fact(key)

    def exercise(self, key: tuple[Category, int], draw: Draw) -> Exercise:
        fact, (phrase, word) = self.fact(key), self._names.question(key)
        return Exercise(
            f"free/{self.name}/{fact}", "free", self.name, fact, f"{phrase}を一語で答え", "", f"{word}です。", (word,), (fact,),
        )  # fmt: skip


FREE: tuple[type[Sort], ...] = (Explain, List, Example, Polite, Reading, Classify)
