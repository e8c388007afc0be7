"""Conversations side by side in rows of one length."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from studylib.data.shards import TokenShard
from studylib.errors import invalid
from studylib.rows import IGNORED, Batch, drawing


def pack(lengths: np.ndarray, room: int, most: int | None, random: np.random.Generator) -> list[list[int]]:
    """Rows of conversations by their numbers, none of more than ``room`` tokens nor of more than ``most`` conversations.

    The longest first, each into the fullest row that still holds it (best fit, Johnson 1973); equally long ones as drawn. No
    ``lengths`` may be beyond ``room``.
    """
    rows: list[list[int]] = []
    by_room: dict[int, list[int]] = {}
    rooms = 0  # a bit for each room that some row has left
    drawn = random.permutation(len(lengths))
    for number in drawn[np.argsort(-lengths[drawn], kind="stable")].tolist():
        length = int(lengths[number])
        fitting = rooms >> length
        if fitting:
            left = length + (fitting & -fitting).bit_length() - 1
            row = by_room[left].pop()
            if not by_room[left]:
                rooms &= ~(1 << left)
            rows[row].append(number)
        else:
            row, left = len(rows), room
            rows.append([number])
        left -= length
        if left and len(rows[row]) != most:
            by_room.setdefault(left, []).append(row)
            rooms |= 1 << left
    return rows


@dataclass(frozen=True)
class Counts:
    """Conversations of a shard: in how many rows they are, those used, those of them that are cut at the context, and those left
    out, since their first answer lies beyond it."""

    rows: int
    used: int
    cut: int
    left_out: int


class ConversationRows:
    """A shard's conversations in rows of ``seq_len`` + 1 tokens.

    Parameters
    ----------
    shard
        Of conversations.
    seq_len
        Tokens that are read in a row. Of a conversation that is longer the beginning is learnt; one without an answer there is left out.
    most
        Conversations in a row at most; None: as many as fit.
    pad
        The token behind them.
    key
        Which of equally long ones are put together is drawn from it.
    numbers
        Of the conversations, in the shard's order; None: all.

    Raises
    ------
    StudyError
        No conversation has an answer within the context.
    """

    def __init__(
        self, shard: TokenShard, seq_len: int, most: int | None, pad: int, key: Iterable[object],
        numbers: np.ndarray | None = None,
    ):  # fmt: skip
        edges = shard.document_starts
        numbers = np.arange(shard.num_documents) if numbers is None else numbers
        usable = shard.prompt_tokens[numbers] <= seq_len
        own = numbers[usable]
        lengths = np.diff(edges)[own]
        if not len(own):
            why = f"has no answer within seq_len {seq_len}: the prompts of all {len(numbers)} conversations are longer"
            raise invalid("data.sources", shard.label, why)
        self._shard, self._length, self._pad = shard, seq_len + 1, pad
        self._starts, self._sizes = edges[own], np.minimum(lengths, seq_len + 1)
        self._rows = pack(self._sizes, seq_len + 1, most, drawing("pack", *key))
        cut = int((lengths > seq_len + 1).sum())
        self.counts = Counts(len(self._rows), len(own), cut, int((~usable).sum()))

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self, rows: Iterable[int]) -> Batch:
        """Some of the rows; ``begin_BT`` says which positions are of one conversation."""
        rows = list(rows)
        tokens = np.full((len(rows), self._length), self._pad, dtype=np.int64)
        learnt = np.zeros(tokens.shape, dtype=bool)
        begin = np.zeros(tokens.shape, dtype=np.int64)
        for place, row in enumerate(rows):
            at = 0
            for number in self._rows[row]:
                start, size = int(self._starts[number]), int(self._sizes[number])
                text = slice(at, at + size)
                tokens[place, text] = self._shard.tokens[start : start + size]
                learnt[place, text] = self._shard.learnt[start : start + size]
                begin[place, text] = at
                at += size
            begin[place, at:] = at
        labels = np.where(learnt[:, 1:], tokens[:, 1:], IGNORED)
        text_tokens = int(sum(self._sizes[number] for row in rows for number in self._rows[row]))
        return Batch(tokens, labels, begin_BT=begin[:, :-1], text_tokens=text_tokens)


def validation_conversations(
    shard: TokenShard, seq_len: int, most: int | None, pad: int, max_tokens: int
) -> tuple[Batch, float]:
    """About ``max_tokens`` of held-out conversations, spread evenly over the shard, and the bytes of their answers.

    The same whatever ``most``; only those that the context holds whole, so that bytes and tokens are of the same text. Of pairs
    the preferred answers.
    """
    lengths = np.diff(shard.document_starts)
    whole = np.flatnonzero(lengths <= seq_len + 1)
    whole = whole[whole % 2 == 0] if shard.has_pairs else whole
    if not len(whole):
        why = f"has no validation conversation as short as seq_len {seq_len} + 1 tokens; of dialogues option turns puts fewer together"
        raise invalid("data.sources", shard.label, why)
    count = max(1, min(len(whole), int(len(whole) * max_tokens / lengths[whole].sum())))
    chosen = whole[np.arange(count) * len(whole) // count]
    rows = ConversationRows(shard, seq_len, most, pad, ("validation",), chosen)
    return rows.batch(range(len(rows))), float(shard.answer_bytes[chosen].sum())
