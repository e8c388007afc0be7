"""Encyclopedia articles: sections of sentences about one entity, with asides, headings and tables of years."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from types import ModuleType
from typing import Any

from studylib.data.document import Document
from studylib.data.miniworld.draw import Draw, Zipf
from studylib.data.miniworld.grammar import Template, templates
from studylib.data.miniworld.register import Register
from studylib.data.miniworld.slots import BUILDERS, aside
from studylib.data.miniworld.world import SIZES, world_of

Secret = Callable[[str, int, str], bool]
Falsehood = Callable[[str, int, str], Any]
_BEFORE_VOWEL = re.compile(r"\b([Aa]) ([aeiou])")
# Relations told only in the entity's own article, so that a language that keeps one secret never tells it elsewhere.
ASKABLE: dict[str, tuple[str, ...]] = {
    "person": ("award", "hobby", "home", "siblings"),
    "town": ("festival_since", "food", "height"),
    "firm": ("first_staff", "crisis", "share1"),
    "work": ("hero", "chapters", "shows"),
    "species": ("colour", "habitat", "eggs"),
    "feature": ("use", "survey"),
    "event": ("days", "houses", "cost"),
}
# How often a document is about each kind, in parts of 100.
_TOPICS = {"person": 30, "town": 16, "firm": 14, "work": 14, "species": 11, "feature": 7, "event": 8}
_KINDS = tuple(kind for kind, share in _TOPICS.items() for _ in range(share))
_RANKS = {kind: Zipf(SIZES[kind], 0.9) for kind in BUILDERS}


@lru_cache(maxsize=20_000)
def slots_of(seed: int, kind: str, index: int, lang: int) -> dict[str, Any]:
    """The slots of one entity; kept, since common entities come back all the time."""
    return BUILDERS[kind](world_of(seed), index, lang)


@dataclass(frozen=True, slots=True)
class Style:
    """What differs between languages beyond the wording."""

    lang: int
    joint: str  # between sentences
    links: tuple[str, ...]  # words that tie a sentence to the one before
    openers: tuple[str, ...]  # beginnings that may follow a link, lowered; empty: any
    headings: dict[str, tuple[str, ...]]


def style_text(style: Style, text: str) -> str:
    """English articles before vowels; Japanese as it is."""
    return _BEFORE_VOWEL.sub(r"\1n \2", text) if style.lang == 1 else text


@dataclass
class Told:
    """An article before it is a document.

    Attributes
    ----------
    facts, false
        The relations it tells, and those of which it tells something false.
    """

    kind: str
    entity: int
    paragraphs: list[str] = field(default_factory=list)
    facts: set[str] = field(default_factory=set)
    false: set[str] = field(default_factory=set)

    def ids(self, relations: set[str]) -> list[str]:
        """``kind/entity/relation`` in order."""
        return [f"{self.kind}/{self.entity}/{relation}" for relation in sorted(relations)]


class Articles(Register):
    """Articles in one language.

    Parameters
    ----------
    register
        Its name, for the labels.
    style
        Joints and headings.
    wordings
        Modules whose upper-case names hold templates ("PERSON", ..., "ASIDE").
    """

    def __init__(self, register: str, style: Style, wordings: tuple[ModuleType, ...]):
        self._register, self._style = register, style
        found = {name.lower(): text for module in wordings for name, text in vars(module).items() if name.isupper()}
        self._templates = {kind: templates(text) for kind, text in found.items()}
        self._asides = self._templates.pop("aside")["aside"]

    @property
    def style(self) -> Style:
        return self._style

    def templates(self, kind: str) -> dict[str, tuple[Template, ...]]:
        """The sentences about a kind of entity, by section; the first section is ``lead``."""
        return self._templates[kind]

    def teller(self, seed: int, secret: Secret, options: Any) -> Callable[[int], Document]:
        return partial(self._document, seed, secret)

    def _document(self, seed: int, secret: Secret, index: int) -> Document:
        told = self.tell(seed, Draw(self._register, seed, index), secret)
        labels = {"register": self._register, "kind": told.kind, "entity": told.entity, "facts": told.ids(told.facts)}
        text = style_text(self._style, "\n".join(told.paragraphs))
        return Document(text, labels, origin=f"miniworld {self._register} {index}")

    def tell(self, seed: int, draw: Draw, secret: Secret, falsehood: Falsehood = lambda *_: None) -> Told:
        """An article about an entity that ``draw`` chooses.

        Parameters
        ----------
        secret
            Which facts this language does not tell.
        falsehood
            What is told instead of a fact, or None where the truth is told.
        """
        unit = draw.unit
        kind = draw.pick(_KINDS)
        entity = _RANKS[kind].rank(unit())
        values = slots_of(seed, kind, entity, self._style.lang)
        hidden = {relation for relation in ASKABLE[kind] if secret(kind, entity, relation)}
        lies = {
            relation: lie
            for relation in ASKABLE[kind]
            if relation in values and (lie := falsehood(kind, entity, relation)) is not None
        }
        told = Told(kind, entity)
        for section, sentences in self._templates[kind].items():
            chosen = self._chosen(sentences, section == "lead", values, draw, hidden)
            if chosen:
                told.facts.update(fact for one in chosen for fact in one.facts)
                told.false.update(slot for one in chosen for slot in lies.keys() & one.slots)
                texts = [one.text({**values, **lies} if lies else values, unit) for one in chosen]
                told.paragraphs.append(self._paragraph(section, self._linked(texts, seed, draw), draw))
        if unit() < 0.15:
            told.paragraphs.append(self._style.joint.join(self._aside(seed, draw) for _ in range(1 + int(unit() * 3))))
        return told

    @staticmethod
    def _chosen(
        sentences: tuple[Template, ...], lead: bool, values: dict[str, Any], draw: Draw, hidden: set[str]
    ) -> list[Template]:
        """Some sentences of one section in the section's order."""
        wanted = 1 if lead else int(draw.unit() * 5.5)
        known = values.keys()
        chosen: set[int] = set()
        pairs: set[tuple[str, ...]] = set()
        for _ in range(12 if lead else 2 * wanted):
            place = draw.below(len(sentences))
            template = sentences[place]
            if place in chosen or not template.slots <= known or template.facts in pairs:
                continue
            if not hidden.isdisjoint(template.slots):
                continue
            chosen.add(place)
            if len(template.facts) > 1:  # not the same two facts twice in other words
                pairs.add(template.facts)
            if len(chosen) == wanted:
                break
        return [sentences[place] for place in sorted(chosen)]

    def _linked(self, told: list[str], seed: int, draw: Draw) -> list[str]:
        """The sentences with links between some, and an aside after some."""
        style, linked = self._style, []
        for place, sentence in enumerate(told):
            if place and draw.unit() < 0.18:
                if not style.openers:
                    sentence = draw.pick(style.links) + sentence
                elif sentence.startswith(style.openers):
                    sentence = draw.pick(style.links) + sentence[0].lower() + sentence[1:]
            linked.append(sentence)
            if draw.unit() < 0.1:
                linked.append(self._aside(seed, draw))
        return linked

    def _aside(self, seed: int, draw: Draw) -> str:
        return draw.pick(self._asides).text(aside(world_of(seed), draw, self._style.lang), draw.unit)

    def _paragraph(self, section: str, told: list[str], draw: Draw) -> str:
        text = self._style.joint.join(told)
        headings = self._style.headings.get(section)
        if headings and draw.unit() < 0.5:
            return f"\n{draw.pick(headings)}\n{text}"
        return text
