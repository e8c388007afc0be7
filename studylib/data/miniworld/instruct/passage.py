"""A few sentences of an article, and a question that they answer in a word."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from studylib.data.miniworld.article import ASKABLE
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.grammar import Template
from studylib.data.miniworld.instruct.exercise import Exercise, is_fact
from studylib.data.miniworld.instruct.facts import Facts
from studylib.data.miniworld.instruct.relations import RELATIONS, Relation
from studylib.data.miniworld.instruct.sort import OfRelation, Sort
from studylib.registry import REGISTERS

_LONGEST = 96  # characters: small models have short contexts
_TRIES = 8
_MORE = 0.4  # passages with a sentence more than is needed

# Sentences that name the answer and yet do not say so are known by what else they tell: a monument stands not only where
# somebody was born.
_ANOTHER_MATTER: dict[tuple[str, str], frozenset[str]] = {
    ("person", "town"): frozenset({"home", "memorial", "award", "school_km"}),
    ("person", "school"): frozenset({"died"}),
    ("firm", "town"): frozenset({"founder", "festival"}),
    ("species", "region"): frozenset({"count"}),
    ("event", "town"): frozenset({"minutes", "then_population"}),
}


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence of the articles: where it stands, whether it names the entity, and which relations it tells."""

    place: int
    lead: bool
    template: Template
    told: frozenset[str]

    def answers(self, relation: Relation) -> bool:
        slots = self.template.slots
        if (relation.kind, relation.slot) == ("work", "town") and len(slots) == 1:
            return False  # a monument again, which tells nothing else
        return relation.slot in slots and not slots & _ANOTHER_MATTER.get((relation.kind, relation.slot), frozenset())


@lru_cache(maxsize=1)
def _sentences() -> dict[str, tuple[_Sentence, ...]]:
    """Of each kind of entity."""
    found: dict[str, tuple[_Sentence, ...]] = {}
    for kind in {one.kind for one in RELATIONS}:
        slots = {one.slot for one in RELATIONS if one.kind == kind} | set(ASKABLE[kind])
        every = [
            (section == "lead", one)
            for section, sentences in REGISTERS["ja"].templates(kind).items()
            for one in sentences
        ]
        found[kind] = tuple(
            _Sentence(place, lead, one, frozenset(slots & (one.slots | set(one.facts))))
            for place, (lead, one) in enumerate(every)
        )
    return found


class _Passage(OfRelation):
    """A question about one relation of an entity."""

    task = "passage"

    def __init__(self, facts: Facts):
        super().__init__(facts)
        self._usable: dict[tuple[str, int], tuple[_Sentence, ...]] = {}

    def exercise(self, key: tuple[Relation, int], draw: Draw) -> Exercise | None:
        relation, entity = key
        value = self.facts.value(relation, entity)
        found = None if value is None else self._written(relation, entity, value, draw)
        if value is None or found is None:
            return None
        passage, told = found
        fact = self.fact(key)
        return Exercise(
            f"{self.task}/{self.name}/{fact}", self.task, self.name, fact, self.facts.phrase(relation, entity), relation.asked,
            value, (value,), told, passage=passage,
        )  # fmt: skip

    def _written(self, relation: Relation, entity: int, value: str, draw: Draw) -> tuple[str, tuple[str, ...]] | None:
        """A passage that holds the answer, and the facts it tells."""
        kind, slots = relation.kind, self.facts.slots(relation.kind, entity)
        usable = self._sentences_about(kind, entity)
        leads, others = [one for one in usable if one.lead], [one for one in usable if not one.lead]
        answering = [one for one in usable if one.answers(relation)]
        if not leads or not answering:
            return None
        for _ in range(_TRIES):
            chosen = [draw.pick(answering)]
            if not chosen[0].lead:
                chosen.append(draw.pick(leads))
            if others and draw.chance(_MORE):
                chosen.append(draw.pick(others))
            ordered = sorted({one.place: one for one in chosen}.values(), key=lambda one: one.place)
            text = "".join(one.template.text(slots, draw.unit) for one in ordered)
            if len(text) <= _LONGEST and value in text:
                told = {f"{kind}/{entity}/{each}" for one in ordered for each in one.told}
                return text, (*sorted(told), is_fact(kind, entity))
        return None

    def _sentences_about(self, kind: str, entity: int) -> tuple[_Sentence, ...]:
        """Those whose slots are known and that tell nothing that is kept."""
        key = kind, entity
        if key not in self._usable:
            known = self.facts.slots(kind, entity).keys()
            self._usable[key] = tuple(
                one
                for one in _sentences()[kind]
                if one.template.slots <= known and all(self.facts.may_tell(kind, entity, each) for each in one.told)
            )
        return self._usable[key]


class Word(_Passage):
    """A name or a word."""

    name = "word"
    relations = tuple(one for one in RELATIONS if one.group != "number")


class Number(_Passage):
    """A year or a number, with its unit."""

    name = "number"
    relations = tuple(one for one in RELATIONS if one.group == "number")


PASSAGE: tuple[type[Sort], ...] = (Word, Number)
