"""Typed, frozen models: what specifications, options and parameter files share. One clear line for what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, wraps
from typing import Annotated, Any, ClassVar, Concatenate, ParamSpec, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from studylib.errors import StudyError, invalid

Model = TypeVar("Model", bound=BaseModel)
Arguments = ParamSpec("Arguments")
Found = TypeVar("Found")


def as_number(value: Any) -> Any:
    # PyYAML reads "1e-4" (no dot) as a string; a number was meant.
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def as_integer(value: Any) -> Any:
    value = as_number(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


Real = Annotated[float, BeforeValidator(as_number)]
Count = Annotated[int, BeforeValidator(as_integer), Field(ge=0, strict=True)]
Positive = Annotated[int, BeforeValidator(as_integer), Field(ge=1, strict=True)]
Above0 = Annotated[Real, Field(gt=0)]
Fraction = Annotated[float, BeforeValidator(as_number), Field(ge=0.0, le=1.0)]


class Frozen(BaseModel):
    """Base of every specification: immutable, unknown keys refused, whole values only."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=(), ignored_types=(cached_property,)
    )

    def replace(self, **changes: Any) -> Self:
        """A validated copy with changes; nested fields by dotted keys given as ``**{"model.num_layers": 4}``.

        Of a field that holds several parts every one is changed: ``**{"data.sources.cleaning": ["length"]}``.
        """
        return validated(type(self), self._changed(changes))

    def _changed(self, changes: dict[str, Any]) -> dict[str, Any]:
        content, below = self._content(), {}
        for key, value in changes.items():
            head, _, rest = key.partition(".")
            if rest:
                below.setdefault(head, {})[rest] = value
            else:
                content[head] = value
        for head, inner in below.items():
            part = content[head]
            if isinstance(part, tuple):
                content[head] = tuple(one._changed(inner) for one in part)
            else:
                content[head] = part._changed(inner) if isinstance(part, Frozen) else {**(part or {}), **inner}
        return content

    def _content(self) -> dict[str, Any]:
        """What a copy is made from: the fields' values as they are."""
        return {name: getattr(self, name) for name in type(self).model_fields}

    @classmethod
    def known_fields(cls) -> list[str]:
        """What a mapping may hold that becomes one, by name."""
        return list(cls.model_fields)

    def _repr_html_(self) -> str:
        """In a notebook: what differs from the defaults, a row a setting."""
        from studylib.notebook import fields

        return fields(self.model_dump(mode="json", exclude_defaults=True))


def once(function: Callable[Concatenate[Model, Arguments], Found]) -> Callable[Concatenate[Model, Arguments], Found]:
    """A function of a frozen model, and of positional arguments, that is asked once: the answer stays with the model, as a
    cached property's does. For what follows from the model alone, not from files."""

    name = f"{function.__module__}.{function.__qualname__}"

    @wraps(function)
    def known(model: Model, *arguments: Arguments.args) -> Found:
        answers = model.__dict__.setdefault("_answers", {})
        key = (name, arguments)
        if key not in answers:
            answers[key] = function(model, *arguments)
        return answers[key]

    return known


def validated(model: type[Model], content: Any, *, file: Any = None) -> Model:
    """Validate ``content``; the first problem becomes a one-line StudyError naming file, field, value and choices."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise first_problem(error, model, file=file) from None


def first_problem(error: ValidationError, model: type[BaseModel], *, file: Any = None, within: str = "") -> StudyError:
    """The first of pydantic's findings in one line; ``within`` is the part of a specification that ``model`` is in."""
    problems = error.errors()
    # A misspelt key usually also makes a required one "missing": the misspelling is the better message.
    problem = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
    field = ".".join(str(part) for part in (within, *problem["loc"]) if part != "")
    if problem["type"] == "extra_forbidden":
        known = _siblings(model, problem["loc"])
        place = ".".join(str(part) for part in problem["loc"][:-1]) or "the top level"
        key = problem["loc"][-1]
        return invalid(f"key {key!r} in {place}", problem["input"], "is not known", choices=known, file=file, near=key)
    if problem["type"] == "missing":
        return invalid(field, None, "is missing", file=file)
    reason = str(problem["ctx"]["error"]) if problem["type"] == "value_error" else problem["msg"]
    if problem["type"] == "value_error" and isinstance(problem["input"], dict):  # a rule over fields names them itself
        return StudyError(f"{file}: {reason}" if file else reason)
    if problem["type"] == "value_error":
        return invalid(field, problem["input"], reason, file=file)
    return invalid(field, problem["input"], f"is not valid: {reason[:1].lower()}{reason[1:]}", file=file)


def _siblings(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """The keys that are known where an unknown one was given."""
    current: Any = model
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        field = current.model_fields.get(part) if isinstance(current, type) and issubclass(current, BaseModel) else None
        if field is None:
            continue
        current = model_in(field.annotation)
    if not (isinstance(current, type) and issubclass(current, BaseModel)):
        return []
    return sorted(field.alias or name for name, field in current.model_fields.items())


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field of this annotation may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = model_in(argument)
        if found is not None:
            return found
    return None
