"""What the web register tells instead of the truth: the answer of another entity of the kind, the same in every document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studylib.data.miniworld.article import slots_of
from studylib.data.miniworld.draw import Draw, chosen
from studylib.data.miniworld.world import SIZES

__all__ = ["falsehoods"]


def falsehoods(seed: int, share: float) -> Callable[[str, int, str], Any | None]:
    """Of (kind, entity, relation) the false answer in Japanese, or None where the truth is told.

    A ``share`` of the relations that can be asked for (``article.ASKABLE``) is false, drawn by hash and independently of
    ``english_only``.
    """
    known: dict[tuple[str, int, str], Any | None] = {}

    def falsehood(kind: str, entity: int, relation: str) -> Any | None:
        key = (kind, entity, relation)
        if key not in known:
            false = chosen(share, "false", seed, *key)
            known[key] = _answer_of_another(seed, kind, entity, relation) if false else None
        return known[key]

    return falsehood


def _answer_of_another(seed: int, kind: str, entity: int, relation: str) -> Any | None:
    """None where the relation is not known of the entity, so that nothing could be told."""
    right = slots_of(seed, kind, entity, 0).get(relation)
    if right is None:
        return None
    draw = Draw("falsehood", seed, kind, entity, relation)
    while True:
        other = slots_of(seed, kind, draw.below(SIZES[kind]), 0).get(relation)
        if other is not None and other != right:
            return other
