"""Questions about the world's facts, with wrong answers, in either language.

A question is a lead sentence that names the entity and a sentence of the language's own wording whose one slot is the
answer. What is asked for is told in the entity's own article only, so a fact that is kept from Japanese
(``english_only``) can be known to a model only from English.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from studylib.data.miniworld import english_only
from studylib.data.miniworld.article import ASKABLE, slots_of, style_text
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.falsehoods import falsehoods
from studylib.data.miniworld.grammar import Template
from studylib.data.miniworld.world import SIZES
from studylib.registry import REGISTERS

# Relations whose sentences hold nothing that the answer could be worked out from (a sum, a difference, an age).
_ASKED: dict[str, tuple[str, ...]] = {
    "person": ("award", "hobby"),
    "town": ("food",),
    "firm": ("first_staff",),
    "work": ("hero", "shows"),
    "species": ("colour", "habitat"),
    "feature": ("use", "survey"),
}
LANGUAGES = {"ja": 0, "en": 1}


@dataclass(frozen=True, slots=True)
class Question:
    """``answers[0]`` is right; every answer is a whole text, and the texts differ in the answer alone.

    Attributes
    ----------
    controls
        The same answers behind a lead about another entity of the kind, for which none of them is right: how likely they
        are anyway, by their length, their wording and how common they are.
    fact
        ``kind/entity/relation``, as in the documents' labels.
    secret
        Whether English alone tells it.
    """

    fact: str
    secret: bool
    answers: tuple[str, ...]
    controls: tuple[str, ...]


def questions(
    language: str, seed: int = 0, *, english_only_share: float = 0.2, secret: bool, count: int, wrong: int = 3
) -> list[Question]:
    """``count`` questions about the commonest entities, kinds and relations in turn.

    Parameters
    ----------
    language
        ``ja`` or ``en``: in which it is asked.
    seed, english_only_share
        Those of the texts that the model was trained on.
    secret
        Ask what English alone tells, or what both languages tell.
    wrong
        Wrong answers each: what the same relation is of other entities, so that by chance one in ``wrong + 1`` is right.
    """
    keep = english_only(seed, english_only_share)

    def asked(kind: str, entity: int, relation: str) -> tuple[str, ...] | None:
        return () if keep(kind, entity, relation) == secret else None

    return _in_turn(language, seed, asked, secret, count, wrong)


def false_questions(
    seed: int = 0, share: float = 0.1, *, english_only_share: float = 0.2, count: int, wrong: int = 3
) -> list[Question]:
    """``count`` questions in Japanese about what the web register tells falsely: ``answers[1]`` is what it tells.

    Parameters
    ----------
    seed, share, english_only_share
        Those of the texts; ``share`` is ``false_facts``. What only English tells, the web does not tell at all.
    wrong
        Wrong answers each, the false one among them.
    """
    lie, keep = falsehoods(seed, share), english_only(seed, english_only_share)

    def told(kind: str, entity: int, relation: str) -> tuple[str, ...] | None:
        false = None if keep(kind, entity, relation) else lie(kind, entity, relation)
        return None if false is None else (false,)

    return _in_turn("ja", seed, told, False, count, wrong)


# Of (kind, entity, relation) the wrong answers that must be among those offered, or None if it is not to be asked.
Wanted = Callable[[str, int, str], tuple[str, ...] | None]


def _in_turn(language: str, seed: int, wanted: Wanted, secret: bool, count: int, wrong: int) -> list[Question]:
    streams = [
        _of_relation(language, seed, kind, relation, wanted, secret, wrong)
        for kind, relations in _ASKED.items()
        for relation in relations
    ]
    found: list[Question] = []
    while streams and len(found) < count:
        for stream in list(streams):
            question = next(stream, None)
            if question is None:
                streams.remove(stream)
            elif len(found) < count:
                found.append(question)
    return found


def _of_relation(
    language: str, seed: int, kind: str, relation: str, wanted: Wanted, secret: bool, wrong: int
) -> Iterator[Question]:
    lang, register = LANGUAGES[language], REGISTERS[language]
    lead_templates, sentences = _usable(register.templates(kind), kind, relation)
    for entity in range(SIZES[kind]):
        given = wanted(kind, entity, relation)
        if given is None:
            continue
        values = slots_of(seed, kind, entity, lang)
        draw = Draw("question", language, seed, kind, entity, relation)
        sentence = _shortest(sentences, values)
        if sentence is None:
            continue
        others = _others(seed, kind, (values[relation], *given), relation, lang, draw, wrong - len(given))
        others = [*given, *others]
        if len(others) < wrong:
            continue
        possible = (values[relation], *others)
        stranger = _stranger(seed, kind, relation, lang, draw, possible)
        lead = _shortest(lead_templates, {slot: values[slot] for slot in values.keys() & stranger.keys()})
        if lead is None:
            continue
        wording = [
            sentence.text(values | {relation: answer}, Draw("wording", seed, kind, entity, relation).unit)
            for answer in possible
        ]
        own, foreign = (
            lead.text(slots, Draw("lead", seed, kind, entity, relation).unit) + register.style.joint
            for slots in (values, stranger)
        )
        yield Question(
            f"{kind}/{entity}/{relation}",
            secret,
            tuple(style_text(register.style, own + told) for told in wording),
            tuple(style_text(register.style, foreign + told) for told in wording),
        )


def _usable(
    sections: Mapping[str, tuple[Template, ...]], kind: str, relation: str
) -> tuple[list[Template], list[Template]]:
    """Leads that tell nothing askable, and sentences that tell the relation and no other askable one."""
    askable = set(ASKABLE[kind])
    leads = [one for one in sections["lead"] if not one.slots & askable]
    rest = [one for name, told in sections.items() if name != "lead" for one in told]
    return leads, [one for one in rest if one.slots & askable == {relation}]


def _shortest(templates: list[Template], values: Mapping[str, Any]) -> Template | None:
    """Of the templates whose slots are known, that of the shortest text: small models have short contexts."""
    fitting = [one for one in templates if one.slots <= values.keys()]
    return min(fitting, key=lambda one: len(one.text(values, lambda: 0.0)), default=None)


def _stranger(seed: int, kind: str, relation: str, lang: int, draw: Draw, answers: tuple[str, ...]) -> dict[str, Any]:
    """The slots of another entity, for which none of the answers is right; empty if chance finds none."""
    for _ in range(50):
        slots = slots_of(seed, kind, draw.below(SIZES[kind]), lang)
        if slots.get(relation) is not None and slots[relation] not in answers:
            return slots
    return {}


def _others(
    seed: int, kind: str, answers: tuple[str, ...], relation: str, lang: int, draw: Draw, wrong: int
) -> list[str]:
    """Answers of other entities, different from each other and from ``answers``."""
    found: list[str] = []
    for _ in range(20 * wrong):
        other = slots_of(seed, kind, draw.below(SIZES[kind]), lang).get(relation)
        if other is not None and other not in answers and other not in found:
            found.append(other)
        if len(found) == wrong:
            break
    return found
