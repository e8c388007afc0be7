"""What the web text of a trial's data was told with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from studylib.errors import invalid
from studylib.frozen import validated
from studylib.registry import SOURCES
from studylib.spec import DataSpec, SourceSpec

WEB = "web"
_TOLD_BY = ("seed", "english_only", "false_facts", "canaries", "canary_copies")


def web_options(probe: str, data: DataSpec) -> Any:
    """Options of the miniworld source of register web that is trained on, whether it is cleaned, or joined with others.

    Where there are auxiliary sources, it is among them: the others may be sound pages, to be judged by.

    Raises
    ------
    StudyError
        There is none, or there are two that tell of different things.
    """
    options = SOURCES["miniworld"].Options
    sources = [{"kind": one.kind, "options": one.options} for one in _trained_on(data)]
    told = [validated(options, dict(one)) for one in _miniworld(sources) if one.get("register") == WEB]
    if len({tuple(getattr(one, name) for name in _TOLD_BY) for one in told}) != 1:
        why = (
            f"asks about what one web text tells (miniworld, register: web), but the sources have {len(told) or 'none'}"
        )
        raise invalid("probes", probe, why)
    return told[0]


def _trained_on(data: DataSpec) -> list[SourceSpec]:
    return [one for one in data.sources if one.auxiliary] or list(data.sources)


def _miniworld(sources: Any) -> Iterator[Mapping[str, Any]]:
    """The options of every miniworld source, of those that another source joins too."""
    for source in sources:
        options = source.get("options", {})
        if source.get("kind", "miniworld") == "miniworld":
            yield options
        yield from _miniworld(options.get("sources", ()))
