"""Chat templates: what stands around messages, so that a model tells who speaks.

A choice is a class derived from ``ChatTemplate``. Every message is encoded on its own, so no piece reaches over the border
between what the template says and what somebody wrote; and a template's control tokens, where somebody wrote them, are text.
"""

from __future__ import annotations

from typing import ClassVar

from studylib.data.chat.conversation import Role


class ChatTemplate:
    """What stands before and behind the messages of each role.

    Attributes
    ----------
    pieces
        Control tokens, of two characters or more, which the tokenizer must know as pieces (``data.tokenizer.known_pieces``).
    end
        The one of them that ends an answer; empty: the tokenizer's mark for the end of a text. It is learnt.
    """

    pieces: ClassVar[tuple[str, ...]] = ()
    end: ClassVar[str] = ""

    def before(self, role: Role) -> str:
        raise NotImplementedError

    def behind(self, role: Role) -> str:
        """Behind a message; of the assistant's, behind their end."""
        raise NotImplementedError


__all__ = ["ChatTemplate"]
