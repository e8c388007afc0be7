"""Every finding says every fact, in both languages, whatever the facts are."""

from __future__ import annotations

import random
import re
import types
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from annotated_types import Interval as Bounds
from pydantic import BaseModel

from studylib import findings
from studylib.findings._finding import Finding
from studylib.result import Text

ALL = [getattr(findings, name) for name in dir(findings)]
NUMBERS = (0.012, 0.31, 0.74, 2.6, 48.0, 5300.0)


def values(annotation: Any, rng: random.Random) -> Any:
    """A value of an annotation, drawn."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        bounds = [one for one in annotation.__metadata__ if getattr(one, "metadata", None) or isinstance(one, Bounds)]
        base = annotation.__origin__
        return rng.choice([0.03, 0.34, 0.62, 0.97]) if base is float and bounds else values(base, rng)
    if origin in (Union, types.UnionType):
        return values(rng.choice(arguments), rng)
    if annotation is type(None):
        return None
    if origin is Literal:
        return rng.choice(arguments)
    if origin is tuple and arguments[-1] is Ellipsis:
        return tuple(values(arguments[0], rng) for _ in range(rng.choice([1, 2, 3])))
    if origin is tuple:
        return tuple(sorted(values(one, rng) for one in arguments))
    if annotation is bool:
        return rng.random() < 0.5
    if annotation is int:
        return rng.choice([1, 2, 7, 64])
    if annotation is float:
        return rng.choice(NUMBERS) * rng.choice([1, 1, -1])
    if annotation is str:
        return rng.choice(["wide", "deep", "60k", "narrow"])
    if annotation is Text:
        name = rng.choice(["shape", "order"])
        return Text(en=name, ja={"shape": "形状", "order": "順序"}[name])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation(**{name: field(annotation, name, rng) for name in annotation.model_fields})
    raise TypeError(f"a fact of type {annotation} is not known to this test")


def field(model: type[BaseModel], name: str, rng: random.Random) -> Any:
    info = model.model_fields[name]
    if info.annotation is float and info.metadata:
        return rng.choice([0.03, 0.34, 0.62, 0.97])
    if name == "basis":
        return rng.choice(["flops", "seconds"])
    return values(info.annotation, rng)


def changed(value: Any, rng: random.Random) -> list[tuple[str, Any]]:
    """Copies of a model in which one fact differs, by the fact's path."""
    found = []
    for name in type(value).model_fields:
        inner = getattr(value, name)
        other = field(type(value), name, rng)
        if isinstance(inner, tuple) and inner and isinstance(inner[0], BaseModel) and not isinstance(inner[0], Text):
            place = rng.randrange(len(inner))
            for path, one in changed(inner[place], rng):
                found.append((f"{name}.{path}", value.replace(**{name: (*inner[:place], one, *inner[place + 1 :])})))
        elif isinstance(inner, BaseModel) and not isinstance(inner, Text) and rng.random() < 0.7:
            found += [(f"{name}.{path}", value.replace(**{name: one})) for path, one in changed(inner, rng)]
        if other != inner:
            found.append((name, value.replace(**{name: other})))
    return found


def said(finding: Finding) -> dict[str, str]:
    """All its sentences, by language."""
    templates = [finding.words] + [getattr(type(finding), name, None) for name in ("title", "alt")]
    texts = [template(**finding.facts) for template in templates if template is not None]
    return {language: "\n".join(getattr(text, language) for text in texts) for language in ("en", "ja")}


def paths(model: type[BaseModel], within: str = "") -> set[str]:
    found = set()
    for name, info in model.model_fields.items():
        found.add(within + name)
        for part in (info.annotation, *get_args(info.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel) and part is not Text:
                found |= paths(part, f"{within}{name}.")
    return found


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_both_languages_say_every_fact(kind):
    """Facts are drawn and changed one at a time: a change shows in both languages, or (by a rounded digit) in none."""
    rng, shown, onesided = random.Random(0), {"en": set(), "ja": set()}, []
    for count in range(300):
        if count >= 60 and all(paths(kind) <= found for found in shown.values()):
            break
        finding = values(kind, rng)
        before = said(finding)
        for path, other in changed(finding, rng):
            after = said(other)
            moved = {language for language in before if after[language] != before[language]}
            for language in moved:
                shown[language].add(path)
            if len(moved) == 1:
                onesided.append((path, *moved, before, after))
    assert not onesided, onesided[0]
    for language, found in shown.items():
        assert not paths(kind) - found, f"facts that {language} leaves out"


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_sentences_are_well_set(kind):
    rng = random.Random(1)
    for _ in range(100):
        text = said(values(kind, rng))
        assert not re.search(r" [.,;:)]|\( |[.,;]{2}|\n |^ |  |None|nan", text["en"]), text["en"]
        assert not re.search(r" [、。)]|[、。(] |[、。]{2}|  |None|nan", text["ja"]), text["ja"]
        assert not re.search(r"[A-Za-z]{4,} [a-z]{3,} [a-z]{3,}", text["ja"].replace("study run", "")), text["ja"]
        assert not re.search(r"[ぁ-んァ-ン一-龥]", text["en"]), text["en"]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_a_finding_has_words_or_a_figure_and_its_record_is_its_facts(kind):
    rng = random.Random(2)
    finding = values(kind, rng)
    drawn = kind.draw is not Finding.draw
    assert drawn or kind.words is not None
    assert not drawn or (kind.title and kind.alt)
    record = finding.record(kind.name, None)
    assert kind(**record.facts) == finding
