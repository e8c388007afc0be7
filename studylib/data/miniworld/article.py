"""Encyclopedia articles: sections of sentences about one entity, with asides, headings and tables of years."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

from studylib.data.document import Document
from studylib.data.miniworld import slots, slots_more
from studylib.data.miniworld.draw import Draw, Zipf
from studylib.data.miniworld.grammar import Template, templates
from studylib.data.miniworld.world import SIZES, World, world_of

BUILDERS: dict[str, Callable[[World, int, int], dict[str, Any]]] = {
    "person": slots.person,
    "town": slots.town,
    "firm": slots_more.firm,
    "work": slots_more.work,
    "species": slots_more.species,
    "feature": slots_more.feature,
    "event": slots_more.event,
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
    headings: dict[str, tuple[str, ...]]


class Articles:
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

    def document(self, seed: int, index: int, secret: Callable[[str, int, str], bool]) -> Document:
        """Article ``index``; ``secret(kind, entity, relation)`` says which facts this language does not tell."""
        draw = Draw(self._register, seed, index)
        unit = draw.unit
        kind = draw.pick(_KINDS)
        entity = _RANKS[kind].rank(unit())
        values = slots_of(seed, kind, entity, self._style.lang)
        known = values.keys()
        facts: set[str] = set()
        paragraphs: list[str] = []
        for section, sentences in self._templates[kind].items():
            wanted = 1 if section == "lead" else int(unit() * 4.5)
            told: list[str] = []
            used: set[int] = set()
            for _ in range(2 * wanted):
                place = int(unit() * len(sentences))
                template = sentences[place]
                if place in used or not template.slots <= known or self._is_secret(template, kind, entity, secret):
                    continue
                used.add(place)
                told.append(template.text(values, unit))
                facts.update(template.facts)
                if len(told) == wanted:
                    break
                if unit() < 0.12:
                    told.append(self._aside(seed, draw))
            if told:
                paragraphs.append(self._paragraph(section, told, draw))
        if unit() < 0.15:
            paragraphs.append(self._style.joint.join(self._aside(seed, draw) for _ in range(1 + int(unit() * 3))))
        labels = {
            "register": self._register,
            "kind": kind,
            "entity": entity,
            "facts": [f"{kind}/{entity}/{fact}" for fact in sorted(facts)],
        }
        return Document("\n".join(paragraphs), labels, origin=f"miniworld {self._register} {index}")

    @staticmethod
    def _is_secret(template: Template, kind: str, entity: int, secret: Callable[[str, int, str], bool]) -> bool:
        return any(secret(kind, entity, fact) for fact in template.facts)

    def _aside(self, seed: int, draw: Draw) -> str:
        return draw.pick(self._asides).text(slots.aside(world_of(seed), draw, self._style.lang), draw.unit)

    def _paragraph(self, section: str, told: list[str], draw: Draw) -> str:
        text = self._style.joint.join(told)
        headings = self._style.headings.get(section)
        if headings and draw.unit() < 0.5:
            return f"\n{draw.pick(headings)}\n{text}"
        return text
