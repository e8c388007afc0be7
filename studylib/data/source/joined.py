"""Several sources as one: each document is labelled with the name of the one that it is from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator

from studylib.data.digest import Allowance, FileDigests
from studylib.data.document import Document
from studylib.data.guard import Guard
from studylib.data.source import Source
from studylib.errors import invalid
from studylib.frozen import Above0, Frozen
from studylib.registry import SOURCES, choice_of

__all__ = ["JoinedSource"]


class Inner(Frozen):
    """One of the sources."""

    name: str = Field(min_length=1, description="label `from` of its documents")
    kind: choice_of(SOURCES) = "files"
    options: dict[str, Any] = Field(default_factory=dict)
    weight: Above0 = Field(default=1.0, description="share of the text, where it is interleaved")


class JoinedSource(Source):
    """Documents of several sources, mixed or one source behind the other.

    Mixed, the next document is of the source that has given least of its share so far; the order follows from the texts alone.
    What one source has left when the others are at their end comes last.
    """

    class Options(Frozen):
        sources: tuple[Inner, ...] = Field(min_length=1)
        order: Literal["interleaved", "in_order"] = "interleaved"

        @field_validator("sources")
        @classmethod
        def _names_differ(cls, sources: tuple[Inner, ...]) -> tuple[Inner, ...]:
            names = [one.name for one in sources]
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise invalid("sources", twice[0], "is the name of two of them")
            return sources

    _options: Options
    remote: ClassVar[bool] = False

    def __init__(self, label: str, options: Mapping[str, Any]):
        super().__init__(label, options)
        self._inner: dict[str, Source] = {}
        for one in self._options.sources:
            own = f"{label}: {one.name}"
            Guard.check_source(own, one.kind, one.options)
            self._inner[one.name] = SOURCES[one.kind](own, one.options)
        self.remote = any(one.remote for one in self._inner.values())
        self.given = any(one.given for one in self._inner.values())
        held: dict[str, str] = {}  # what is held: by whom
        for name, one in self._inner.items():
            held.setdefault(one.holds, name)
        if len(held) > 1:
            first, other = sorted(held)[:2]
            why = f"holds {first}, and {held[other]} {other}"
            raise invalid(f"data.sources {label}: sources", held[first], why)
        self.conversations, self.preferences = "conversations" in held, "pairs of answers" in held

    def in_study(self, study: Path) -> Self:
        self._inner = {name: one.in_study(study) for name, one in self._inner.items()}
        return self

    def check(self) -> None:
        for one in self._inner.values():
            one.check()

    def parts(self) -> list[Source]:
        if self._options.order == "interleaved":
            return [self]
        return [_Part(name, part) for name, one in self._inner.items() for part in one.parts()]

    def documents(self) -> Iterator[Document]:
        texts = {name: _named(name, one.documents()) for name, one in self._inner.items()}
        if self._options.order == "in_order":
            for one in texts.values():
                yield from one
            return
        given = dict.fromkeys(texts, 0.0)
        weights = {one.name: one.weight for one in self._options.sources}
        while texts:
            name = min(texts, key=given.__getitem__)
            document = next(texts[name], None)
            if document is None:
                del texts[name]
                continue
            given[name] += len(document.utf8()) / weights[name]
            yield document

    def look(self, allowance: Allowance) -> tuple[Iterator[Document], list[str]]:
        looks = [(name, one.look(allowance)) for name, one in self._inner.items()]
        unread = [f"{name}: {line}" for name, (_, lines) in looks for line in lines]
        return (document for name, (documents, _) in looks for document in _named(name, documents)), unread

    def inputs(self, digests: FileDigests) -> dict[str, str]:
        return {file: digest for one in self._inner.values() for file, digest in one.inputs(digests).items()}

    def notes(self) -> dict[str, int]:
        return {f"{name}: {what}": count for name, one in self._inner.items() for what, count in one.notes().items()}


class _Part(Source):
    """A part of one of the sources."""

    def __init__(self, name: str, part: Source):
        super().__init__(name, {})
        self._part = part

    def documents(self) -> Iterator[Document]:
        return _named(self._label, self._part.documents())

    def notes(self) -> dict[str, int]:
        return {f"{self._label}: {what}": count for what, count in self._part.notes().items()}


def _named(name: str, documents: Iterator[Document]) -> Iterator[Document]:
    for one in documents:
        yield replace(one, labels={**one.labels, "from": name})
