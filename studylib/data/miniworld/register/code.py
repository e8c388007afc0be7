"""Source code: three modules in Python to one in JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from studylib.data.document import Document
from studylib.data.miniworld import code_js, code_python
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.register import Register
from studylib.data.miniworld.world import world_of

__all__ = ["CODE"]


class Code(Register):
    """Programs about the world's figures. They state none of the facts that a language may keep to itself."""

    def teller(self, seed: int, secret: Callable[[str, int, str], bool], options: Any) -> Callable[[int], Document]:
        return partial(self._document, seed)

    def _document(self, seed: int, index: int) -> Document:
        draw = Draw("code", seed, index)
        language = "python" if draw.chance(0.75) else "javascript"
        text = (code_python if language == "python" else code_js).module(world_of(seed), draw)
        labels = {"register": "code", "language": language, "facts": []}
        return Document(text, labels, origin=f"miniworld code {index}")


CODE = Code()
