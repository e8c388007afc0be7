"""Training rows with their labels, and what is drawn for them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

PAD = 3  # the piece behind the text of a row: in no text, and never predicted
IGNORED = -100  # the label of a position without loss, as torch's cross-entropy takes it


@dataclass(frozen=True)
class Marks:
    """Token ids that are not text: the tokenizer's own, and the first one beyond its vocabulary."""

    eos: int
    pad: int
    first_extra: int


@dataclass(frozen=True)
class Batch:
    """Rows of seq_len + 1 tokens as a model is trained on them.

    Attributes
    ----------
    tokens_BT
        int64 [rows, seq_len + 1]; position t of a row is read to predict position t + 1.
    labels_BT
        int64 [rows, seq_len]; ``IGNORED`` where no loss is counted. None: the next token everywhere.
    prefix_len_B
        int64 [rows]; so many first positions of a row see each other both ways. None: no row has any.
    begin_BT
        int64 [rows, seq_len]; where in its row the text of each position begins. Texts of a row do not see each other, and each
        has positions from 0. None: each row is one text.
    reference_B
        float64 [rows]; of each row, the log-probability (nats) of its learnt tokens under the reference model.
    advantage_B
        float64 [rows]; of each row, by how much its answer is better than was to be expected.
    text_tokens
        How many of the tokens are text of the window.
    """

    tokens_BT: np.ndarray
    labels_BT: np.ndarray | None = None
    prefix_len_B: np.ndarray | None = None
    begin_BT: np.ndarray | None = None
    reference_B: np.ndarray | None = None
    advantage_B: np.ndarray | None = None
    text_tokens: int = 0

    def __len__(self) -> int:
        return len(self.tokens_BT)

    def rows(self, start: int, stop: int | None = None, step: int = 1) -> Batch:
        """Some of the rows; ``text_tokens`` is not kept."""
        arrays = (getattr(self, one.name) for one in fields(self) if one.name != "text_tokens")
        return Batch(*(None if one is None else one[start:stop:step] for one in arrays))

    def cut(self, length: int) -> Batch:
        """The first ``length`` tokens of each row; ``text_tokens`` is not kept."""
        arrays = {"labels_BT": self.labels_BT, "begin_BT": self.begin_BT}
        shorter = {name: None if one is None else one[:, : length - 1] for name, one in arrays.items()}
        return replace(self, tokens_BT=self.tokens_BT[:, :length], text_tokens=0, **shorter)

    @property
    def counted(self) -> int:
        """Labels that carry loss."""
        if self.labels_BT is None:
            return self.tokens_BT.shape[0] * (self.tokens_BT.shape[1] - 1)
        return int((self.labels_BT != IGNORED).sum())


@dataclass(frozen=True)
class Row:
    """One row that asks for a span: ``tokens[start:stop]`` are predicted; int64 [length]."""

    tokens: np.ndarray
    start: int
    stop: int
    prefix_len: int = 0


def stack(rows: list[tuple[np.ndarray, int, int]], length: int, pad: int, text_tokens: int) -> Batch:
    """Rows (tokens, prefix_len, first token with loss), padded behind to ``length``, as one batch."""
    tokens = np.full((len(rows), length), pad, dtype=np.int64)
    labels = np.full((len(rows), length - 1), IGNORED, dtype=np.int64)
    prefixes = np.zeros(len(rows), dtype=np.int64)
    for place, (row, prefix_len, first) in enumerate(rows):
        tokens[place, : len(row)] = row
        labels[place, max(first, 1) - 1 : len(row) - 1] = row[max(first, 1) :]
        prefixes[place] = prefix_len
    return Batch(tokens, labels, prefixes, text_tokens=text_tokens)


def alike_in_length(lengths: Sequence[int] | np.ndarray, tokens: int) -> Iterator[tuple[np.ndarray, int]]:
    """Places of rows, the longest rows first, in groups of ``tokens`` at the most (one row at least), and each group's longest."""
    left = np.argsort(lengths, kind="stable")
    while len(left):
        longest = int(lengths[left[-1]])
        left, group = np.split(left, [-max(1, tokens // longest)])
        yield group, longest


def drawing(*key: object) -> np.random.Generator:
    """A generator for one row; equal keys draw equally on every machine."""
    digest = hashlib.blake2b(repr(("objective", *key)).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "big")))


def shares(batches: Iterable[Batch]) -> dict[str, float]:
    """``text_share`` and ``loss_share`` of the tokens of some batches."""
    found = [(one.text_tokens, one.counted, one.tokens_BT.size, one.tokens_BT.size - len(one)) for one in batches]
    text, counted, tokens, positions = (sum(column) for column in zip(*found, strict=True))
    return {"text_share": text / tokens, "loss_share": counted / positions}
