"""What there is in the world, by category: names of entities and words for things."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from studylib.data.miniworld import scenery as s
from studylib.data.miniworld import words as w
from studylib.data.miniworld.draw import Zipf
from studylib.data.miniworld.instruct.exercise import is_fact
from studylib.data.miniworld.world import world_of


@dataclass(frozen=True, slots=True)
class Member:
    """One of a category; ``fact`` says that it is."""

    fact: str
    text: str


@dataclass(frozen=True, slots=True)
class Category:
    """Attributes
    ----------
    key
        In facts' names.
    phrase, word
        町の名前; 町.
    members
        The commonest first, where there are such.
    ranks
        Draws one of them as often as it is mentioned.
    """

    key: str
    phrase: str
    word: str
    members: tuple[Member, ...]
    ranks: Zipf


# Of these it cannot be told which is meant: a pastime may be somebody's trade, a potter is a person.
_CONFUSED = (frozenset({"hobby", "field"}), frozenset({"genre", "work"}), frozenset({"job", "person"}))

_WORDS = (
    ("dish", "料理の名前", "料理", s.DISHES),
    ("award", "賞の名前", "賞", w.AWARDS),
    ("colour", "色の名前", "色", w.COLOURS),
    ("hobby", "趣味", "趣味", w.HOBBIES),
    ("job", "職業の名前", "職業", tuple(one.job for one in w.FIELDS)),
    ("field", "仕事の分野", "分野", tuple(one.name for one in w.FIELDS)),
    ("genre", "本の種類", "本の種類", w.GENRES),
)
_FEATURES = (("river", "川"), ("mountain", "山"), ("lake", "湖"))
_SPECIES = (("bird", "鳥"), ("fish", "魚"), ("plant", "植物"), ("insect", "昆虫"))


@lru_cache(maxsize=4)
def categories(seed: int) -> tuple[Category, ...]:
    """All categories of a world."""
    world = world_of(seed)
    named = [
        ("town", "町の名前", "町", [("town", one.index, one.name[0]) for one in world.towns]),
        ("person", "人の名前", "人", [("person", one.index, one.name[0]) for one in world.people]),
        ("firm", "会社の名前", "会社", [("firm", one.index, one.name[0]) for one in world.firms]),
        ("work", "本の題名", "本", [("work", one.index, one.name[0]) for one in world.works]),
        ("school", "学校の名前", "学校", [("school", one.index, one.name[0]) for one in world.schools]),
        ("region", "県の名前", "県", [("region", place, one[0]) for place, one in enumerate(world.regions)]),
    ]
    for key, word in _FEATURES:
        found = [("feature", one.index, one.name[0]) for one in world.features if one.kind == key]
        named.append((key, f"{word}の名前", word, found))
    for key, word in _SPECIES:
        found = [("species", one.index, one.name[0]) for one in world.species if one.kind == key]
        named.append((key, f"{word}の名前", word, found))
    return tuple(
        Category(key, phrase, word, tuple(Member(is_fact(kind, one), text) for kind, one, text in found), Zipf(len(found), 0.9))
        for key, phrase, word, found in named
    ) + tuple(
        Category(key, phrase, word, tuple(Member(is_fact(key, one[0]), one[0]) for one in found), Zipf(len(found), 0.0))
        for key, phrase, word, found in _WORDS
    )  # fmt: skip


@lru_cache(maxsize=4)
def others(seed: int) -> dict[str, tuple[Category, ...]]:
    """By a category's key those to which none of its members belongs."""
    return {
        one.key: tuple(
            other for other in categories(seed) if other is not one and {one.key, other.key} not in _CONFUSED
        )
        for one in categories(seed)
    }
