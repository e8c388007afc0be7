"""Kinds of text about the world: one file each. A choice is an instance of ``Register``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from studylib.data.document import Document


class Register(ABC):
    """One kind of text."""

    @abstractmethod
    def document(self, seed: int, index: int, secret: Callable[[str, int, str], bool]) -> Document:
        """Document ``index``, the same whatever was told before.

        ``secret(kind, entity, relation)`` is true for facts this register must not tell.
        """
