"""A specification that names choices; their options stand beside their names."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import (
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic.main import IncEx
from pydantic_core.core_schema import SerializationInfo

from studylib.errors import StudyError, invalid
from studylib.frozen import Frozen, first_problem
from studylib.registry import Choice, Registry


@functools.cache
def _defaults(options: type[Frozen]) -> Frozen:
    """Options that nobody gave; made once, since a plan asks for them a hundred thousand times."""
    return options()


class _Usual(NamedTuple):
    """What is the same for all specifications that name the same choices: fields by choice, and the defaults, once as models."""

    fields: dict[type[Choice], frozenset[str]]
    options: dict[type[Choice], Frozen]
    values: dict[str, Any]


@functools.cache
def _usual_of(choices: tuple[type[Choice], ...]) -> _Usual:
    fields = {choice: frozenset(choice.Options.model_fields) for choice in choices}
    required = {choice for choice in choices if any(one.is_required() for one in choice.Options.model_fields.values())}
    options = {choice: _defaults(choice.Options) for choice in choices if choice not in required}
    return _Usual(fields, options, {name: value for one in options.values() for name, value in one})


class Choosing(Frozen):
    """Base of the specifications that name choices.

    Which options there are says each choice (``Choice.Options``), so a new one is declared in one file. They are read as if they
    were fields (``model.window``, ``optimizer.beta2``), validated by the choice's own model, and those of other choices are
    refused.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow")  # and then everything unknown is refused, see below
    registries: ClassVar[dict[str, Registry]]
    """By field, what it names a choice of."""
    place: ClassVar[str]
    """Where it stands in a trial, for messages."""

    @classmethod
    def known_fields(cls) -> list[str]:
        """Its fields, and the options of all choices that could be named."""
        options = {
            name
            for registry in cls.registries.values()
            for one in registry.values()
            for name in one.Options.model_fields
        }
        return [*(field.alias or name for name, field in cls.model_fields.items()), *sorted(options)]

    def named(self) -> Iterator[tuple[Registry, str]]:
        """Every choice that is named."""
        for field, registry in self.registries.items():
            yield registry, getattr(self, field)

    def options_of(self, choice: type[Choice]) -> Any:
        """The options of a choice, its ``Options``; defaults for one that is not named here."""
        own = self._options.get(choice)
        return _defaults(choice.Options) if own is None else own

    @model_validator(mode="before")
    @classmethod
    def _misspelt_rather_than_missing(cls, content: Any) -> Any:
        """A misspelt key usually also makes a required one missing: the misspelling is the better message."""
        required = (name for name, field in cls.model_fields.items() if field.is_required())
        if isinstance(content, dict) and any(name not in content for name in required):
            known = cls.known_fields()
            for key, value in content.items():
                if key not in known:
                    raise invalid(f"key {key!r} in {cls.place}", value, "is not known", choices=known, near=key)
        return content

    @functools.cached_property
    def _options(self) -> dict[type[Choice], Frozen]:
        """The options of every choice that is named; a plain attribute once it is known, which pydantic's private ones are not."""
        given, usual = self.__pydantic_extra__ or {}, self._usual
        found = dict(usual.options)
        for choice, fields in usual.fields.items():
            if choice in found and fields.isdisjoint(given):
                continue
            try:
                found[choice] = choice.Options(
                    **{key: given[key] for key in choice.Options.model_fields if key in given}
                )
            except ValidationError as error:
                raise first_problem(error, choice.Options, within=self.place) from None
        return found

    @property
    def _usual(self) -> _Usual:
        return _usual_of(tuple(registry[name] for registry, name in self.named()))

    @model_validator(mode="after")
    def _options_belong_to_the_choices(self) -> Self:
        if "_options" in self.__dict__:  # pydantic asks again whenever a part that was checked becomes part of another
            return self
        given, options, usual = self.__pydantic_extra__ or {}, self._options, self._usual
        for key, value in given.items():
            if not any(key in fields for fields in usual.fields.values()):
                raise self._unknown(key, value, set().union(*usual.fields.values()))
        every = {name: value for choice in usual.fields for name, value in options[choice]} if given else usual.values
        object.__setattr__(self, "__pydantic_extra__", dict(every))
        return self

    def _unknown(self, key: str, value: Any, used: set[str]) -> StudyError:
        for field, registry in self.registries.items():
            owners = [name for name in registry if key in registry[name].Options.model_fields]
            if owners:
                why = f"is not used by {getattr(self, field)}, but by {registry.kind} {', '.join(owners)}; leave it out"
                return invalid(f"{self.place}.{key}", value, why)
        known = sorted({*(field.alias or name for name, field in type(self).model_fields.items()), *used})
        return invalid(f"key {key!r} in {self.place}", value, "is not known", choices=known, near=key)

    def _content(self) -> dict[str, Any]:
        # Options that are the defaults stay behind, so that a copy may name another choice, which has none of them.
        return super()._content() | self._chosen()

    def _chosen(self) -> dict[str, Any]:
        """The options that are not their defaults."""
        fields = [(name, value, options) for options in self._options.values() for name, value in options]
        return {
            name: value
            for name, value, options in fields
            if type(options).model_fields[name].is_required()
            or value != type(options).model_fields[name].get_default(call_default_factory=True)
        }

    @model_serializer(mode="wrap")
    def _without_defaults_if_asked(
        self, handler: SerializerFunctionWrapHandler, info: SerializationInfo[IncEx]
    ) -> dict[str, Any]:
        content = handler(self)
        if info.exclude_defaults:
            chosen, extra = self._chosen(), self.__pydantic_extra__ or {}
            return {name: value for name, value in content.items() if name in chosen or name not in extra}
        return content
