"""What a conversation is: messages of a system, a user and an assistant; and a pair of answers, one preferred."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, Self

Role = Literal["system", "user", "assistant"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant")
_BETWEEN = "\n"  # messages, where a conversation lies as one text


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody said; ``learnt``: whether it is learnt, where it is the assistant's."""

    role: Role
    content: str
    learnt: bool = True

    @property
    def is_learnt(self) -> bool:
        return self.learnt and self.role == "assistant"


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages in their order; the assistant's are what is learnt, but for those of which it is said that they are not."""

    messages: tuple[Message, ...]

    @property
    def text(self) -> str:
        """All that is said: what the gate, the split and tokenizers see of it."""
        return _BETWEEN.join(message.content for message in self.messages)

    @property
    def has_answer(self) -> bool:
        """Whether there is something to learn; an empty answer is one, whose end is learnt."""
        return any(message.is_learnt for message in self.messages)

    @property
    def turns(self) -> list[tuple[int, int]]:
        """Role (its place in ``ROLES``, or in another ``ROLES`` behind it where it is not learnt) and UTF-8 bytes of each message;
        with `text`, all there is to know."""
        return [
            (ROLES.index(message.role) + len(ROLES) * (not message.learnt), len(message.content.encode()))
            for message in self.messages
        ]

    @classmethod
    def of(cls, text: bytes, turns: Iterable[tuple[int, int]]) -> Self:
        """The conversation with this `text`, in UTF-8, and these `turns`."""
        messages, place = [], 0
        for role, size in turns:
            content = text[place : place + size].decode()
            messages.append(Message(ROLES[role % len(ROLES)], content, learnt=role < len(ROLES)))
            place += size + len(_BETWEEN)
        return cls(tuple(messages))


@dataclass(frozen=True, slots=True)
class Preference:
    """Two answers to the same messages, of which one is preferred."""

    prompt: tuple[Message, ...]
    chosen: str
    rejected: str

    @property
    def messages(self) -> tuple[Message, ...]:
        """The prompt's, the preferred answer, the other one."""
        return (*self.prompt, Message("assistant", self.chosen), Message("assistant", self.rejected))

    @property
    def sides(self) -> tuple[Conversation, Conversation]:
        """The prompt with the preferred answer, and with the other one, of which alone is learnt."""
        prompt = tuple(replace(one, learnt=False) if one.role == "assistant" else one for one in self.prompt)
        answers = (Message("assistant", answer) for answer in (self.chosen, self.rejected))
        chosen, rejected = (Conversation((*prompt, answer)) for answer in answers)
        return chosen, rejected

    @property
    def same(self) -> bool:
        """Whether both answers are one, so that nothing is to be learnt of them."""
        return self.chosen == self.rejected

    @property
    def text(self) -> str:
        """As of a `Conversation`: the prompt once, then both answers."""
        return Conversation(self.messages).text

    @property
    def turns(self) -> list[tuple[int, int]]:
        """As of a `Conversation`."""
        return Conversation(self.messages).turns

    @classmethod
    def of(cls, text: bytes, turns: Iterable[tuple[int, int]]) -> Self:
        """The pair with this `text`, in UTF-8, and these `turns`."""
        *prompt, chosen, rejected = Conversation.of(text, turns).messages
        return cls(tuple(prompt), chosen.content, rejected.content)
