"""Rows as a model will see them: which tokens are learnt, and what the context leaves of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np

from studylib.data.chat.conversation import Preference
from studylib.data.chat.encode import ConversationEncoder, control_tokens
from studylib.data.document import Document
from studylib.data.text import batches
from studylib.data.tokenizer import Tokenizer


@dataclass(frozen=True)
class SeenRow:
    """A conversation, or one side of a pair, as far as it is read.

    Attributes
    ----------
    origin
        Where it is from.
    side
        Of a pair: whether the answer is the preferred one; empty for conversations.
    tokens
        int32 [tokens]; ``seq_len`` + 1 at most.
    learnt
        bool [tokens]; of a row that is left out none.
    state
        ``cut``: it goes on beyond the context; ``left out``: it is not trained on, since no answer begins within the context, or
        since the context does not hold both sides of the pair whole.
    """

    origin: str
    side: Literal["", "chosen", "rejected"]
    tokens: np.ndarray
    learnt: np.ndarray
    state: Literal["whole", "cut", "left out"]


def seen_rows(documents: Iterable[Document], encoder: ConversationEncoder, seq_len: int) -> Iterator[SeenRow]:
    """The rows of conversations, one each, or of pairs, two each, in their order."""
    for some in batches(iter(documents)):
        made = encoder([document.conversation for document in some])
        sizes = made.sizes[:, 0]
        borders = np.cumsum(sizes)[:-1]
        rows = zip(np.split(made.tokens, borders), np.split(made.learnt, borders), strict=True)
        for document in some:
            sides = ("chosen", "rejected") if isinstance(document.conversation, Preference) else ("",)
            own = list(islice(rows, len(sides)))
            for side, (tokens, learnt) in zip(sides, own, strict=True):
                seen = learnt[: seq_len + 1]
                left_out = any(len(one) > seq_len for one, _ in own) if side else not seen.any()
                state = "left out" if left_out else "cut" if len(tokens) > seq_len + 1 else "whole"
                yield SeenRow(document.origin, side, tokens[: seq_len + 1], seen & (not left_out), state)


@dataclass(frozen=True)
class Piece:
    """A token as text, or the few that a character is made of; ``control``: a mark or a template's piece, which is no text."""

    text: str
    learnt: bool
    control: bool


def pieces_of(row: SeenRow, tokenizer: Tokenizer) -> list[Piece]:
    """The tokens of a row as text; bytes that are no character, as where the context cuts one, are U+FFFD."""
    names, control = tokenizer.pieces, {*tokenizer.special_ids, *control_tokens(tokenizer)}
    found: list[Piece] = []
    waiting: list[int] = []  # tokens of a character that is not whole yet
    tokens, learnt = row.tokens.tolist(), row.learnt.tolist()
    for place, token in enumerate(tokens):
        if token in control:
            found.append(Piece(names[token], learnt[place], True))
            continue
        waiting.append(token)
        ends = place + 1 == len(tokens) or learnt[place + 1] != learnt[place] or tokens[place + 1] in control
        if ends or _is_text(b"".join(map(tokenizer.token_bytes, waiting))):
            found.append(Piece(tokenizer.decode(waiting), learnt[place], False))
            waiting = []
    return found


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
