"""The text of somebody's own that an idea's study read, as parameters that another run of the idea is given to read it too.

A study may have been given its text by ``--texts``, ``--set`` or a parameter file; what it then read is in its parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from studylib.params.texts import is_source
from studylib.registry import SOURCES
from studylib.spec import SourceSpec

_USUAL = {name: field.get_default(call_default_factory=True) for name, field in SourceSpec.model_fields.items()}


def own_text(params: Mapping[str, Any]) -> dict[str, Any]:
    """Of an idea's parameters (JSON) the sources that read files of this machine, by their place, dotted as ``--set`` has it.

    Sources that stand in one list go together, as their shares do.
    """
    return {place: _told(content) for place, content in text_in(params) if _is_own(content)}


def text_in(content: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every source, and every list of nothing but sources, with its place."""
    if place and _is_text(content):
        yield place, content
    elif isinstance(content, Mapping | list | tuple):
        for key, value in content.items() if isinstance(content, Mapping) else enumerate(content):
            yield from text_in(value, f"{place}.{key}" if place else str(key))


def _is_text(content: Any) -> bool:
    return is_source(content) or (isinstance(content, list | tuple) and bool(content) and all(map(is_source, content)))


def _is_own(content: Any) -> bool:
    """Whether a source, or one of several or within its options, reads files."""
    if is_source(content) and "path" in content.get("options", {}):
        kind = SOURCES[content.get("kind", _USUAL["kind"])]
        return kind.given and not kind.remote
    if isinstance(content, Mapping | list | tuple):
        return any(map(_is_own, content.values() if isinstance(content, Mapping) else content))
    return False


def _told(content: Any) -> Any:
    """Without what is the default of every source."""
    if is_source(content):
        return {key: value for key, value in content.items() if key in ("kind", "options") or value != _USUAL[key]}
    return [_told(one) for one in content]
