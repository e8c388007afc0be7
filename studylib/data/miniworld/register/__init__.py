"""Kinds of text about the world: one file each, whose one export tells document ``index`` of a seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from studylib.data.document import Document
from studylib.registry import Registry


class Register(Protocol):
    def document(self, seed: int, index: int, secret: Callable[[str, int, str], bool]) -> Document:
        """Document ``index``, the same whatever was told before.

        ``secret(kind, entity, relation)`` is true for facts this register must not tell.
        """


REGISTERS = Registry("register", "studylib.data.miniworld.register")
