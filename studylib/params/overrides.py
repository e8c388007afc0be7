"""``--set key=value``: single parameters changed by their dotted names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from studylib.errors import StudyError, invalid
from studylib.params.schema import StudyParams
from studylib.params.yaml_file import Loader, what_is_wrong
from studylib.spec import Frozen


def parse_overrides(texts: Iterable[str]) -> dict[str, Any]:
    """``["a.b=1e-4", "seeds=[0, 1]"]`` as a mapping of dotted keys to values."""
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise StudyError(f"--set: {text!r} is not of the form key=value, such as --set seeds=3")
        try:
            found[key.strip()] = yaml.load(value, Loader)
        except yaml.YAMLError as error:
            raise StudyError(f"--set {key.strip()}: {value!r} is not valid YAML: {what_is_wrong(error)}") from None
    return found


def with_override(content: dict[str, Any], key: str, value: Any, schema: type[StudyParams]) -> dict[str, Any]:
    """A copy of ``content`` in which the dotted ``key`` has the ``value``."""
    first, *rest = key.split(".")
    if rest and first not in content and first in schema.model_fields:
        default = schema.model_fields[first].get_default(call_default_factory=True)
        content = content | {first: default.model_dump(mode="json") if isinstance(default, Frozen) else default}
    return _placed(content, [first, *rest], value, key)


def _placed(place: Any, keys: list[str], value: Any, whole: str) -> Any:
    if not keys:
        return value
    key, *rest = keys
    if isinstance(place, list | tuple):
        if not key.isdigit() or int(key) >= len(place):
            raise invalid(f"--set {whole}", key, "is not a position in the list", choices=range(len(place)))
        return [_placed(item, rest, value, whole) if n == int(key) else item for n, item in enumerate(place)]
    if not isinstance(place, dict | None):
        raise invalid(f"--set {whole}", place, f"is one value; it has no {key!r} inside")
    place = place or {}
    return place | {key: _placed(place.get(key), rest, value, whole)}
