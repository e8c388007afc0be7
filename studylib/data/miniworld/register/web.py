"""Pages as they come out of a crawl, told of the same world, with known faults and every document labelled.

By default 45 % of the documents are sound; the rest are, in percent, menus 5, advertising 4, search-engine padding 4, affiliate
texts 5, repetition 4, mojibake 4, machine translation 5, other languages 5, lists 3, next to nothing 5, adult 2 and gambling 2,
exact copies 3.5 and near copies 3.5. Of the sound ones 62 % are articles, 8 % dialogue, 7 % tables, 7 % code, 6 % haiku, 6 %
numbers and 4 % titles in kanji; half have boilerplate around; of all but haiku and titles 15 % hold personal data, 30 % what
only looks like it. A tenth of the facts that can be asked for is told falsely.

A sound page of one number and form is the same whatever the rates are, so clean text to compare with (``faults: {}``,
``boilerplate: 0``, one of ``forms`` or several) wants another ``start``.

Labels
------
``fault``
    "" or what is wrong with the whole page: a name in ``faults``.
``form``
    What a sound page or the original of a copy is: article, haiku, table, code, kanji_title, dialogue, numbers; else "".
``cluster``
    An id that a sound page shares with its copies, if it has any; "" where ``fault`` is another one.
``copy``
    "" or how it is a copy: exact, edited, truncated, reordered.
``spans``
    (start, stop, kind) of boilerplate and personal data (`web.marks`).
``facts``, ``false``, ``kind``, ``entity``
    As articles have them; ``false`` names the facts that are told falsely.
``canaries``
    Ids of what is planted.
``detail``
    What exactly, where there are several: the encodings of mojibake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from studylib.data.document import Document
from studylib.data.miniworld.article import Secret, slots_of
from studylib.data.miniworld.canaries import COPIES, canaries
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.falsehoods import falsehoods
from studylib.data.miniworld.register import Register
from studylib.data.miniworld.web import boilerplate, contacts, copies
from studylib.data.miniworld.web.articles import article
from studylib.data.miniworld.web.marks import unmarked
from studylib.data.miniworld.web.mojibake import garbled
from studylib.data.miniworld.web.page import Page
from studylib.data.miniworld.web.pages import FAULTS, FORMS
from studylib.data.miniworld.web.plan import COPIED, Plan
from studylib.errors import did_you_mean
from studylib.frozen import Count, Fraction, Frozen, Positive

__all__ = ["WEB"]

DEFAULT_FAULTS = {
    "menu": 0.05, "advertising": 0.04, "seo": 0.04, "affiliate": 0.05, "repeated": 0.04, "mojibake": 0.04,
    "machine_translated": 0.05, "wrong_language": 0.05, "list": 0.03, "short": 0.05, "adult": 0.02, "gambling": 0.02,
    "exact_copy": 0.035, "near_copy": 0.035,
}  # fmt: skip
DEFAULT_FORMS = {
    "article": 0.62, "dialogue": 0.08, "table": 0.07, "code": 0.07, "haiku": 0.06, "numbers": 0.06, "kanji_title": 0.04,
}  # fmt: skip
_TERSE = ("haiku", "kanji_title")  # forms that would be another with a sentence of prose in them
_PROSE = ("article", "numbers")  # forms that take a sentence more anywhere; the others at their end
_LEAST_COPIED = 150  # characters; of shorter texts a near copy has hardly a phrase in common
_TRIES = 12  # at finding a long one
_LEAST_SOUND = 0.02  # share of documents, where there are copies


def _known(values: Mapping[str, float], known: Mapping[str, Any], what: str) -> Mapping[str, float]:
    for name in values:
        if name not in known:
            raise ValueError(
                f"{what}s: {name!r} is not a known {what}; choose from {', '.join(known)}{did_you_mean(name, known)}"
            )
    return values


class Options(Frozen):
    faults: dict[str, Fraction] = Field(
        default=DEFAULT_FAULTS, description="share of the documents with each fault; none has those left out"
    )
    forms: dict[str, Fraction] = Field(
        default=DEFAULT_FORMS, description="parts of the sound documents of each form; none has those left out"
    )
    boilerplate: Fraction = Field(
        default=0.5, description="share of the sound documents with menus and the like around"
    )
    personal: Fraction = Field(default=0.15, description="share of those with personal data, haiku and titles left out")
    decoys: Fraction = Field(default=0.3, description="share of them with what only looks like personal data")
    false_facts: Fraction = Field(default=0.1, description="share of the askable facts that are told falsely")
    canaries: Count = Field(default=0, description="how many canaries are planted")
    canary_copies: tuple[Positive, ...] = Field(
        default=COPIES, min_length=1, description="in how many documents, in turn"
    )
    canary_among: Positive = Field(default=1000, description="canaries lie in the first so many documents")

    @field_validator("faults")
    @classmethod
    def _known_faults(cls, value: dict[str, float]) -> Mapping[str, float]:
        return _known(value, DEFAULT_FAULTS, "fault")

    @field_validator("forms")
    @classmethod
    def _known_forms(cls, value: dict[str, float]) -> Mapping[str, float]:
        if not sum(value.values()) > 0:
            raise ValueError(f"forms: give a part to at least one of {', '.join(DEFAULT_FORMS)}")
        return _known(value, DEFAULT_FORMS, "form")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        whole = sum(self.faults.values())
        if whole > 1 + 1e-9:
            raise ValueError(f"faults: shares add up to {whole:.3g}, which is more than 1")
        if sum(self.faults.get(one, 0) for one in COPIED) > 0 and whole > 1 - _LEAST_SOUND:
            raise ValueError(
                f"faults: copies are made of sound documents, so leave these a share of {_LEAST_SOUND} or more"
            )
        planted = sum(one.copies for one in canaries(0, self.canaries, self.canary_copies))
        if planted > self.canary_among / 2:
            raise ValueError(
                f"canaries: {planted} documents would hold one, more than half of canary_among={self.canary_among}"
            )
        return self


class Web(Register):
    """See the file's beginning."""

    Options = Options

    def fewest(self, options: Options) -> int:
        return options.canary_among if options.canaries else 0

    def teller(self, seed: int, secret: Secret, options: Options) -> Callable[[int], Document]:
        return _Crawl(seed, secret, options).document


WEB = Web()


class _Crawl:
    """All pages of one world and one set of options."""

    def __init__(self, seed: int, secret: Secret, options: Options):
        self._seed, self._options = seed, options
        planted = canaries(seed, options.canaries, options.canary_copies)
        self._plan = Plan(seed, options.faults, options.forms, planted, options.canary_among)
        self._falsehood = falsehoods(seed, options.false_facts)
        self._article = partial(article, secret=secret, falsehood=self._falsehood)

    def document(self, index: int) -> Document:
        fault, form = self._plan.page(index)
        labels: dict[str, Any] = {"register": "web", "fault": fault, "form": "", "cluster": "", "copy": "", "canaries": [], "facts": [], "false": []}  # fmt: skip
        if fault in COPIED:
            text, found = self._copy(index, near=fault == "near_copy")
        elif fault == "mojibake":
            draw = Draw("web", self._seed, index)
            form = "article" if form == "code" else form  # in which there is little to garble
            text, detail = garbled(unmarked(self._body(index, form, draw).text())[0], draw)
            found = {"detail": detail}
        elif fault:
            page = Page(self._seed, Draw("web", self._seed, index))
            FAULTS[fault](page)
            text, found = page.text(), {}
        else:
            text, found = self._sound(index, form)
        text, spans = unmarked(text)
        return Document(text, labels | found | {"spans": spans}, origin=f"miniworld web {index}")

    def _body(self, index: int, form: str, draw: Draw) -> Page:
        page = Page(self._seed, draw)
        (self._article if form == "article" else FORMS[form])(page)
        return page

    def _sound(self, index: int, form: str) -> tuple[str, dict[str, Any]]:
        """A sound page's marked text and its labels."""
        draw, options = Draw("web", self._seed, index), self._options
        page = self._body(index, form, draw)
        found = page.labels | {"form": form, "cluster": f"web {index}"}
        if form not in _TERSE:
            inside = form in _PROSE
            if draw.chance(options.decoys):
                contacts.decoy(page, inside)
            if draw.chance(options.personal):
                contacts.contact(page, inside)
        if index in self._plan.planted:
            canary, _ = self._plan.planted[index]
            page.lines.insert(draw.between(1, len(page.lines)), canary.marked)
            found["canaries"] = [canary.id]
        if draw.chance(options.boilerplate):
            boilerplate.around(page)
        return page.text(), found

    def _copy(self, index: int, near: bool) -> tuple[str, dict[str, Any]]:
        """A copy of a sound page: marked text and labels."""
        page = Page(self._seed, Draw("web", self._seed, index))
        best: tuple[str, dict[str, Any]] = "", {}
        for original in islice(self._plan.originals(index, page.draw), _TRIES):
            text, found = self._sound(original, self._plan.page(original)[1])
            if len(text) > len(best[0]):
                best = text, found
            if not near or len(text) >= _LEAST_COPIED or index in self._plan.planted:
                break
        text, found = best
        if not near:
            return text, found | {"copy": "exact"}
        kind = page.draw.pick(
            ("edited", "truncated", "reordered") if index not in self._plan.planted else ("edited", "reordered")
        )
        if kind == "edited":
            return copies.edited(text, page), found | {"copy": kind}
        if kind == "reordered":
            return copies.reordered(text, page.draw), found | {"copy": kind}
        text = copies.truncated(text, page.draw)
        return text, found | {"copy": kind} | self._still_told(text, found)

    def _still_told(self, text: str, labels: dict[str, Any]) -> dict[str, Any]:
        """Of an article's facts and falsehoods those whose words are in what was left of it."""
        if labels["form"] != "article":
            return {}
        kind, entity = labels["kind"], labels["entity"]
        values, plain = slots_of(self._seed, kind, entity, 0), unmarked(text)[0]
        false = [one for one in labels["false"] if self._falsehood(kind, entity, one.split("/")[2]) in plain]
        lost = set(labels["false"]) - set(false)
        facts = [
            one
            for one in labels["facts"]
            if one not in lost and (one in false or str(values.get(one.split("/")[2], "")) in plain)
        ]
        return {"facts": facts, "false": false}
