"""Conversations as tokens, and which of them are learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studylib.data.chat.conversation import ROLES, Conversation, Preference
from studylib.data.chat.template import ChatTemplate
from studylib.data.tokenizer import Tokenizer
from studylib.registry import CHAT_TEMPLATES

# Columns of `Encoded.sizes`.
TOKENS, BYTES, ANSWER_BYTES, PROMPT_TOKENS = range(4)


@dataclass(frozen=True)
class Encoded:
    """Conversations end to end; a pair of answers is two of them.

    Attributes
    ----------
    tokens
        int32 [tokens]: of each the mark that ends a text (as before every text of pre-training), then messages in their
        template, up to the end of the last answer.
    learnt
        bool [tokens]: the answers, and the token that ends each; of a pair none of its prompt's.
    sizes
        int64 [conversations, 4]: tokens, UTF-8 bytes of its text, of the answers that are learnt, and tokens before the first that
        is. The second of a pair counts no bytes of the prompt, so that the bytes of both are those of the pair's text.
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

    def __call__(self, said: Sequence[Conversation | Preference]) -> Encoded:
        """Conversations, each of which has an answer; of a pair two, with the preferred answer and with the other."""
        texts = [message.content for one in said for message in one.messages]
        contents = iter(self._tokenizer.encode_batch(texts, literal=self._control) if texts else [])
        parts: list[np.ndarray] = []
        learnt: list[bool] = []
        sizes = []
        for one in said:
            whole = len(one.text.encode())
            if isinstance(one, Preference):
                prompt, (chosen, rejected) = [next(contents) for _ in one.prompt], one.sides
                # The same ids before both answers, whatever they are; its bytes are counted once, before the first.
                first = len(chosen.text.encode())
                sides = [
                    (chosen, [*prompt, next(contents)], first),
                    (rejected, [*prompt, next(contents)], whole - first),
                ]
            else:
                sides = [(one, [next(contents) for _ in one.messages], whole)]
            for side, ids, size in sides:
                own, own_learnt = self._laid_out(side, ids)
                tokens = [len(part) for part in own]
                answers = sum(len(message.content.encode()) for message in side.messages if message.is_learnt)
                sizes.append((sum(tokens), size, answers, sum(tokens[: own_learnt.index(True)])))
                parts += own
                learnt += own_learnt
        if not parts:
            return Encoded(np.empty(0, dtype=np.int32), np.empty(0, dtype=bool), np.empty((0, 4), dtype=np.int64))
        mask = np.repeat(learnt, [len(part) for part in parts])
        return Encoded(np.concatenate(parts), mask, np.array(sizes, dtype=np.int64))

    def _laid_out(
        self, conversation: Conversation, contents: Sequence[np.ndarray]
    ) -> tuple[list[np.ndarray], list[bool]]:
        """The ids of one in parts, up to the end of the last answer that is learnt, and which parts are learnt."""
        start, end = (np.array([one], dtype=np.int32) for one in (self._tokenizer.eos_id, self.end_id))
        last = max(at for at, message in enumerate(conversation.messages) if message.is_learnt)
        parts, learnt = [start], [False]
        for at, (message, ids) in enumerate(zip(conversation.messages[: last + 1], contents, strict=False)):
            parts += [self._before[message.role], ids]
            learnt += [False, message.is_learnt]
            if message.role == "assistant":
                parts.append(end)
                learnt.append(message.is_learnt)
            if at < last:
                parts.append(self._behind[message.role])
                learnt.append(False)
        return parts, learnt
