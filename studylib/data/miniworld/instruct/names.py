"""What an answer names: words that can be taken for answers to an exercise, right or wrong, and where they stand in a text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from studylib.data.miniworld.article import slots_of
from studylib.data.miniworld.instruct.categories import categories
from studylib.data.miniworld.instruct.exercise import Exercise
from studylib.data.miniworld.instruct.relations import RELATIONS, Relation
from studylib.data.miniworld.world import SIZES, world_of

_NUMBER = re.compile(r"\d[\d,]*")
_CLOSED = "県市町村"  # what ends so may be followed by any word: 稲森町出身
_BEHIND_KANA = re.compile(r"です|でし|だ|と|[」。、\s]|$")
_DENIED = re.compile(r"(?:では|じゃ)(?:な|あり)")
_RELATIONS = {(one.kind, one.slot): one for one in RELATIONS}
_WHAT_IT_IS = ("rank", "kind")  # slots: 町; 鳥


@dataclass(frozen=True)
class Names:
    """Words that can be answers, and with ``unit`` any number in front of it."""

    texts: frozenset[str]
    unit: str = ""

    @cached_property
    def in_order(self) -> tuple[str, ...]:
        return tuple(sorted(self.texts))

    @cached_property
    def _lengths(self) -> tuple[int, ...]:
        return tuple(sorted({len(one) for one in self.texts}, reverse=True))

    def named(self, text: str, also: Iterable[str] = ()) -> list[str]:
        """Those of these and ``also`` that stand in ``text`` as words and are not denied; at each place the longest.

        A word neither begins nor ends within another: 白 is not in 面白い, 12人 not in 112人.
        """
        pools = (self, Names(frozenset(also)))
        found, place, behind_another = [], 0, False
        while place < len(text):
            one = max((pool._at(text, place) for pool in pools), key=len)
            end = place + len(one)
            if one and _begins(text, place, one, behind_another) and _ends(text, end, one, pools):
                if not _DENIED.match(text, end):
                    found.append(one)
                place, behind_another = end, True
            else:
                place, behind_another = place + 1, False
        return found

    def _at(self, text: str, place: int) -> str:
        """The longest word at a place, or ""."""
        if self.unit:
            number = _NUMBER.match(text, place)
            if number and text.startswith(self.unit, number.end()):
                return text[place : number.end() + len(self.unit)]
        for length in self._lengths:
            if (one := text[place : place + length]) in self.texts:
                return one
        return ""


def _begins(text: str, place: int, one: str, behind_another: bool) -> bool:
    if place == 0 or behind_another:
        return True
    before = text[place - 1]
    if _is_kana(one):
        return _script(before) != "hiragana" or before == "は"
    return not _joined(before, one[0]) or (before in _CLOSED and len(one) > 1)


def _ends(text: str, end: int, one: str, pools: tuple[Names, ...]) -> bool:
    if _is_kana(one):
        return _BEHIND_KANA.match(text, end) is not None
    if end == len(text) or not _joined(one[-1], text[end]) or (one[-1] in _CLOSED and len(one) > 1):
        return True
    return any(pool._at(text, end) for pool in pools)


def _joined(one: str, other: str) -> bool:
    """Whether two letters side by side are of one word."""
    script = _script(one)
    return script == _script(other) and script not in ("hiragana", "")


@lru_cache(maxsize=4096)
def _is_kana(word: str) -> bool:
    return all(_script(letter) == "hiragana" for letter in word if letter != " ")


@lru_cache(maxsize=8192)
def _script(letter: str) -> str:
    if letter.isdigit() or letter == ",":
        return "digit"
    if letter == "々":
        return "kanji"
    name = unicodedata.name(letter, "")
    if name.startswith(("KATAKANA LETTER", "KATAKANA-HIRAGANA PROLONGED")):
        return "katakana"
    starts = {"HIRAGANA": "hiragana", "CJK": "kanji", "LATIN": "latin"}
    return next((script for start, script in starts.items() if name.startswith(start)), "")


def relation_of(fact: str) -> Relation | None:
    """What ``kind/entity/slot`` asks for; None of other facts."""
    kind, _, rest = fact.partition("/")
    return _RELATIONS.get((kind, rest.rpartition("/")[2]))


def possible(exercise: Exercise, seed: int) -> Names:
    """What can be taken for an answer, right or wrong."""
    if exercise.choices:
        return Names(frozenset(exercise.choices))
    if exercise.sort == "explain":
        return _explaining(seed, exercise.told)
    if exercise.sort == "classify":
        return _category_words(seed)
    if exercise.sort == "reading":
        return readings(seed)
    relation = relation_of(exercise.fact)
    return everything(seed) if relation is None else values(seed, relation.kind, relation.slot, relation.unit)


@lru_cache(maxsize=256)
def values(seed: int, kind: str, slot: str, unit: str = "") -> Names:
    """What a relation is of all entities of the kind."""
    if unit:
        return Names(frozenset(), unit)
    found = (slots_of(seed, kind, entity, 0).get(slot) for entity in range(SIZES[kind]))
    return Names(frozenset(one for one in found if one))


@lru_cache(maxsize=1024)
def _explaining(seed: int, told: tuple[str, ...]) -> Names:
    """What the relations that an explanation tells are of all entities, and what else the entity could be."""
    texts: frozenset[str] = frozenset()
    for fact in told:
        relation = relation_of(fact)
        if relation is None:
            kind = fact.split("/")[1]
            for slot in _WHAT_IT_IS:
                texts |= values(seed, kind, slot).texts
        else:
            texts |= values(seed, relation.kind, relation.slot).texts
    return Names(texts)


@lru_cache(maxsize=4)
def _category_words(seed: int) -> Names:
    return Names(frozenset(one.word for one in categories(seed)))


@lru_cache(maxsize=4)
def readings(seed: int) -> Names:
    """How towns, people and landscapes are read."""
    world = world_of(seed)
    return Names(frozenset(one.kana for many in (world.towns, world.people, world.features) for one in many))


@lru_cache(maxsize=4)
def everything(seed: int) -> Names:
    """Every name and word of the categories."""
    return Names(frozenset(one.text for category in categories(seed) for one in category.members))


_NOT_NAMES = frozenset({"dish", "award", "colour", "hobby", "job", "field", "genre"})


@lru_cache(maxsize=4)
def entities(seed: int) -> Names:
    """The names of all that sentences can be about."""
    named = (one for one in categories(seed) if one.key not in _NOT_NAMES)
    return Names(frozenset(member.text for category in named for member in category.members) | events(seed))


def events(seed: int) -> frozenset[str]:
    return frozenset(one.name[0] for one in world_of(seed).events)


@lru_cache(maxsize=4)
def _texts(seed: int) -> dict[str, str]:
    return {member.fact: member.text for category in categories(seed) for member in category.members}


def own_name(exercise: Exercise, seed: int) -> str:
    """The name or word that an exercise is about; "" of one about none, or where it is what is asked for."""
    kind, entity, *_ = exercise.fact.split("/")
    if kind in SIZES and kind not in ("region", "school"):
        name = slots_of(seed, kind, int(entity), 0)["name"]
    else:
        name = _texts(seed).get(exercise.fact, entity if kind == "trade" else "")
    return "" if name in exercise.keys else name


def said_before(exercise: Exercise) -> Iterator[str]:
    """The questions' noun phrases, from which an answer may repeat names."""
    yield exercise.question
    for phrase, _, _ in exercise.earlier:
        yield phrase
