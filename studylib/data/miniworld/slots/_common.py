"""What all slots are made with."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from studylib.data.miniworld import scenery as s

Slots = dict[str, Any]


def number(value: int) -> str:
    return f"{value:,}"


@lru_cache(maxsize=2)
def scenery(lang: int) -> Slots:
    """Slots that tell no facts; joined to others with ``|``, never changed."""
    return {
        "place": tuple(one[lang] for one in s.PLACES),
        "season": tuple(one[lang] for one in s.SEASONS),
        "quote": tuple(one[lang] for one in s.QUOTES),
    }


def more_or_less(lang: int, difference: int, more: tuple[str, str], less: tuple[str, str]) -> str:
    return more[lang] if difference >= 0 else less[lang]
