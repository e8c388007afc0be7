"""What the web text of a trial's data was told with."""

from __future__ import annotations

from typing import Any

from studylib.data.source.miniworld import told_by
from studylib.errors import invalid
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
    told = {
        auxiliary: [
            one for one in told_by(one for one in data.sources if one.auxiliary is auxiliary) if one.register_ == WEB
        ]
        for auxiliary in (True, False)
    }
    found = told[True] or told[False]
    if len({tuple(getattr(one, name) for name in _TOLD_BY) for one in found}) != 1:
        why = f"asks about what one web text tells (miniworld, register: web), but the sources have {len(found) or 'none'}"
        raise invalid("probes", probe, why)
    return found[0]
