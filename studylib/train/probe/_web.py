"""What the web text of a trial's data was told with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from studylib.errors import invalid
from studylib.frozen import validated
from studylib.registry import SOURCES
from studylib.spec import DataSpec

WEB = "web"
_TOLD_BY = ("seed", "english_only", "false_facts", "canaries", "canary_copies")


def web_options(probe: str, data: DataSpec) -> Any:
    """Options of the miniworld source of register web, cleaned or not, alone or joined with others.

    Where one is trained on only, it is meant: sound pages of the same register may be there to be judged by.

    Raises
    ------
    StudyError
        There is none, or there are two that tell of different things.
    """
    options = SOURCES["miniworld"].Options
    told = {
        auxiliary: [
            validated(options, dict(one))
            for one in _miniworld(
                [{"kind": own.kind, "options": own.options} for own in data.sources if own.auxiliary is auxiliary]
            )
            if one.get("register") == WEB
        ]
        for auxiliary in (True, False)
    }
    found = told[True] or told[False]
    if len({tuple(getattr(one, name) for name in _TOLD_BY) for one in found}) != 1:
        why = f"asks about what one web text tells (miniworld, register: web), but the sources have {len(found) or 'none'}"
        raise invalid("probes", probe, why)
    return found[0]


def _miniworld(sources: Any) -> Iterator[Mapping[str, Any]]:
    """The options of every miniworld source, of those that another source joins too."""
    for source in sources:
        options = source.get("options", {})
        if source.get("kind", "miniworld") == "miniworld":
            yield options
        yield from _miniworld(options.get("sources", ()))
