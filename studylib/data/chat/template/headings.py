"""Japanese headings in plain text, as the Japanese Alpaca-like sets have them: any tokenizer will do.

An answer ends with the mark that ends a text. Headings are text, so somebody can write one; what the model is to take for the
end of an answer nobody can write.
"""

from __future__ import annotations

from studylib.data.chat.conversation import Role
from studylib.data.chat.template import ChatTemplate

__all__ = ["Headings"]

_HEADINGS: dict[Role, str] = {"system": "", "user": "### 指示:\n", "assistant": "### 応答:\n"}


class Headings(ChatTemplate):
    """``### 指示:`` before what is asked, ``### 応答:`` before an answer; a system's message stands first without one."""

    def before(self, role: Role) -> str:
        return _HEADINGS[role]

    def behind(self, role: Role) -> str:
        return "" if role == "assistant" else "\n\n"
