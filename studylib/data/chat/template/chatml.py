"""ChatML, with two control tokens (OpenAI 2023, github.com/openai/openai-python chatml.md)."""

from __future__ import annotations

from typing import ClassVar

from studylib.data.chat.conversation import Role
from studylib.data.chat.template import ChatTemplate

__all__ = ["ChatML"]

_START, _END = "<|im_start|>", "<|im_end|>"


class ChatML(ChatTemplate):
    """``<|im_start|>role``, a line break, the message, ``<|im_end|>``; an answer ends with ``<|im_end|>``."""

    pieces: ClassVar[tuple[str, ...]] = (_START, _END)
    end: ClassVar[str] = _END

    def before(self, role: Role) -> str:
        return f"{_START}{role}\n"

    def behind(self, role: Role) -> str:
        return "\n" if role == "assistant" else f"{_END}\n"
