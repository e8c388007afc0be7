"""A small invented world, told in several registers; every document is made from (seed, register, index) alone.

Thousands of people, towns, firms, works, species and events hang together (founders are grown up, distances follow from
coordinates, totals add up) and are mentioned by Zipf's law. Some facts are told in English only, so that what a model
carries from one language to another can be asked for.

    python -m studylib.data.miniworld --register ja --bytes 20000000

prints the speed, and with ``--show 3`` documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from studylib.data.document import Document
from studylib.data.miniworld.draw import chosen
from studylib.registry import REGISTERS

__all__ = ["documents", "english_only"]


def english_only(seed: int, share: float) -> Callable[[str, int, str], bool]:
    """Which facts only English tells: ``secret(kind, entity, relation)``.

    True for a ``share`` of the relations that can be asked for (``article.ASKABLE``); the rest is common to all.
    """
    if share <= 0:
        return lambda kind, entity, relation: False
    known: dict[tuple[str, int, str], bool] = {}

    def secret(kind: str, entity: int, relation: str) -> bool:
        key = (kind, entity, relation)
        if key not in known:
            known[key] = chosen(share, seed, *key)
        return known[key]

    return secret


def documents(
    register: str, seed: int = 0, *, start: int = 0, english_only_share: float = 0.2, options: Any = None
) -> Iterator[Document]:
    """Documents ``start``, ``start + 1``, ... of a register, without end.

    Parameters
    ----------
    options
        Those that only this register has (its ``Options``), or None for the defaults.

    Raises
    ------
    StudyError
        ``register`` is not known; the error lists those that are.
    """
    choice = REGISTERS[register]
    # Code states facts too, but in no language's words; it keeps the secrets, so that only English gives them away.
    secret = english_only(seed, 0.0 if register == "en" else english_only_share)
    return map(choice.teller(seed, secret, options or choice.Options()), count(start))
