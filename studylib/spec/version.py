"""The number that every content hash holds."""

from __future__ import annotations

from typing import Any

from studylib.files import content_hash

# Counted up when equal specifications give other numbers than before, so that old results are not taken for new ones.
NUMBERS_VERSION = 3


def hash_of(kind: str, content: Any) -> str:
    """16 hexadecimal digits that name ``content``, a ``kind`` of thing (trial, data ...), as this version computes it."""
    return content_hash({"version": NUMBERS_VERSION, kind: content})
