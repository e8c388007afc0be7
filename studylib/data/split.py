"""Training or validation, decided by the text itself."""

from __future__ import annotations

import hashlib

SIDES = ("train", "validation")


def side_of(content: bytes, validation_fraction: float) -> str:
    """``"train"`` or ``"validation"`` for a whole document given as UTF-8.

    Only the content counts, so equal documents are always on the same side, in every source, order and run: a
    duplicate never leaks from one side to the other.
    """
    digest = hashlib.blake2b(content, digest_size=8, person=b"study split").digest()
    return SIDES[int.from_bytes(digest, "big") < validation_fraction * 2**64]
