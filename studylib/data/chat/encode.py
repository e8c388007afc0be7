"""Conversations as tokens, and which of them are learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studylib.data.chat.conversation import ROLES, Conversation
from studylib.data.chat.template import ChatTemplate
from studylib.data.tokenizer import Tokenizer
from studylib.registry import CHAT_TEMPLATES

# Columns of `Encoded.sizes`.
TOKENS, BYTES, ANSWER_BYTES, PROMPT_TOKENS = range(4)


@dataclass(frozen=True)
class Encoded:
    """Conversations end to end.

    Attributes
    ----------
    tokens
        int32 [tokens]: of each the mark that ends a text (as before every text of pre-training), then messages in their
        template, up to the end of the last answer.
    learnt
        bool [tokens]: the answers, and the token that ends each.
    sizes
        int64 [conversations, 4]: tokens, UTF-8 bytes of its text, of the answers, and tokens before the first that is learnt.
    """

    tokens: np.ndarray
    learnt: np.ndarray
    sizes: np.ndarray


def control_tokens(tokenizer: Tokenizer) -> frozenset[int]:
    """The ids of the control tokens that the tokenizer knows, of all templates: none of them is in what people write."""
    control = {piece for template in CHAT_TEMPLATES.values() for piece in template.pieces}
    return frozenset(token for token, piece in tokenizer.known_pieces.items() if piece in control)


class ConversationEncoder:
    """Encodes conversations by a template, whose pieces the tokenizer knows."""

    def __init__(self, tokenizer: Tokenizer, template: ChatTemplate):
        self._tokenizer = tokenizer
        ids = {piece: token for token, piece in tokenizer.known_pieces.items()}
        self._control = control_tokens(tokenizer)
        self.end_id = ids[template.end] if template.end else tokenizer.eos_id
        self._before = {role: tokenizer.encode(template.before(role)) for role in ROLES}
        self._behind = {role: tokenizer.encode(template.behind(role)) for role in ROLES}

    def __call__(self, conversations: Sequence[Conversation]) -> Encoded:
        """Those of ``conversations``, each of which has an answer."""
        contents = self._contents(conversations)
        parts: list[np.ndarray] = []
        learnt: list[bool] = []
        sizes = np.zeros((len(conversations), 4), dtype=np.int64)
        start, end = (np.array([one], dtype=np.int32) for one in (self._tokenizer.eos_id, self.end_id))
        place = 0
        for number, conversation in enumerate(conversations):
            last = max(at for at, message in enumerate(conversation.messages) if message.role == "assistant")
            first, prompt = len(parts), None
            parts.append(start)
            learnt.append(False)
            sizes[number, BYTES] = len(conversation.text.encode())
            for at, message in enumerate(conversation.messages):
                size = len(message.content.encode())
                if at <= last:
                    answer = message.role == "assistant"
                    parts += [self._before[message.role], contents[place]]
                    learnt += [False, answer]
                    if answer:
                        prompt = prompt or sum(map(len, parts[first:-1]))
                        sizes[number, ANSWER_BYTES] += size
                        parts.append(end)
                        learnt.append(True)
                    if at < last:
                        parts.append(self._behind[message.role])
                        learnt.append(False)
                place += 1
            sizes[number, TOKENS], sizes[number, PROMPT_TOKENS] = sum(map(len, parts[first:])), prompt
        if not parts:
            return Encoded(np.empty(0, dtype=np.int32), np.empty(0, dtype=bool), sizes)
        return Encoded(np.concatenate(parts), np.repeat(learnt, [len(part) for part in parts]), sizes)

    def _contents(self, conversations: Sequence[Conversation]) -> list[np.ndarray]:
        """The ids of every message of every conversation."""
        texts = [message.content for one in conversations for message in one.messages]
        return self._tokenizer.encode_batch(texts, literal=self._control) if texts else []
