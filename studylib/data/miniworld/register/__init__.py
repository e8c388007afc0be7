"""Kinds of text about the world: one file each. A choice is an instance of ``Register``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from studylib.data.document import Document
from studylib.frozen import Frozen


class Register(ABC):
    """One kind of text.

    Attributes
    ----------
    Options
        Its own options, beside those that all registers have.
    conversations
        Whether its documents are conversations, all of them.
    preferences
        Whether they are pairs of answers.
    """

    Options: ClassVar[type[Frozen]] = Frozen
    conversations: ClassVar[bool] = False
    preferences: ClassVar[bool] = False

    @abstractmethod
    def teller(self, seed: int, secret: Callable[[str, int, str], bool], options: Any) -> Callable[[int], Document]:
        """What tells the document of a number, the same whatever was told before.

        ``secret(kind, entity, relation)`` is true for facts this register must not tell; ``options`` are its ``Options``.
        """

    def fewest(self, options: Any) -> int:
        """How many documents, counted from 0, a text needs so that it holds all that the options ask for."""
        return 0
