"""The invented world that the study brings along: no network, no licence, labels on every document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from studylib.data.document import Document
from studylib.data.source import Source
from studylib.errors import invalid
from studylib.frozen import Count, Fraction, Positive, validated
from studylib.registry import REGISTERS, Registry, choice_of
from studylib.spec.choosing import Choosing

if TYPE_CHECKING:
    from studylib.spec import SourceSpec

__all__ = ["MiniworldSource"]


class MiniworldSource(Source):
    """Documents ``start``, ``start + 1``, ... of a register until there are ``bytes`` of text."""

    class Options(Choosing):
        """What all registers have; the register's own options stand beside them (``WEB.Options``)."""

        registries: ClassVar[dict[str, Registry]] = {"register_": REGISTERS}
        place: ClassVar[str] = "options"

        register_: choice_of(REGISTERS) = Field(default="ja", alias="register", description="the kind of text")
        seed: Count = Field(default=0, description="another seed, another world")
        bytes: Positive = Field(default=8_000_000, description="how much text, in bytes of UTF-8")
        start: Count = Field(default=0, description="the first document's number")
        english_only: Fraction = Field(default=0.2, description="share of the askable facts that only English tells")

    _options: Any
    conversations: ClassVar[bool] = False
    preferences: ClassVar[bool] = False

    def __init__(self, label: str, options: Mapping[str, Any]):
        super().__init__(label, options)
        register = REGISTERS[self._options.register_]
        self.conversations, self.preferences = register.conversations, register.preferences

    def documents(self) -> Iterator[Document]:
        from studylib.data.miniworld import documents

        options = self._options
        register = REGISTERS[options.register_]
        own = options.options_of(register)
        fewest = register.fewest(own)
        if options.start and fewest:
            raise self._wrong("start", options.start, f"leaves out some of what lies in the first {fewest} documents")
        left, count = options.bytes, 0
        for document in documents(
            options.register_, options.seed, start=options.start, english_only_share=options.english_only, options=own
        ):
            yield document
            count += 1
            left -= len(document.utf8())
            if left <= 0:
                break
        if count < fewest:
            raise self._wrong("bytes", options.bytes, f"are {count} documents, but what is planted lies in {fewest}")

    def _wrong(self, field: str, value: Any, why: str) -> Exception:
        return invalid(f"data.sources {self._label}: options.{field}", value, why)


def told_by(sources: Iterable[SourceSpec | Mapping[str, Any]]) -> Iterator[Any]:
    """The options of every miniworld source among ``sources``, of those that another source joins too."""
    for source in sources:
        content = source if isinstance(source, Mapping) else {"kind": source.kind, "options": source.options}
        options = content.get("options", {})
        if content.get("kind", "miniworld") == "miniworld":
            yield validated(MiniworldSource.Options, dict(options))
        yield from told_by(options.get("sources", ()))
