"""Pairs of answers as batches; a pure function of (seed, step)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from studylib.data.prepared import PreparedData
from studylib.data.shards import TokenShard
from studylib.data.stream import TokenStream
from studylib.data.tokenizer import PAD
from studylib.errors import invalid
from studylib.rows import IGNORED, Batch


@dataclass(frozen=True)
class PairCounts:
    """Pairs of a shard: those used, those of them whose answers are one, and those left out, since the context does not hold
    both sides whole."""

    used: int
    same: int
    left_out: int


class PairRows:
    """A shard's pairs, two rows of ``seq_len`` + 1 tokens each: the preferred answer, then the other, padded behind.

    Parameters
    ----------
    shard
        Of pairs.
    seq_len
        Tokens that are read in a row, the end of the answer among them, where its reward is; a pair of which one side is longer is
        left out, since half an answer is not what was judged.
    pad
        The token behind them.
    reference
        float64 [2 * pairs of the shard]: log-probability (nats) of each answer and its end under the reference model, in the
        shard's order; what is said of pairs that are left out does not matter. None: batches carry none.

    Attributes
    ----------
    numbers
        Of the pairs that are used; int64 [pairs].
    lengths
        Tokens of their longer sides; int64 [pairs].
    counts
        How many there are of them.

    Raises
    ------
    StudyError
        No pair fits, or ``reference`` is of other pairs.
    """

    def __init__(self, shard: TokenShard, seq_len: int, pad: int, reference: np.ndarray | None = None):
        self._edges = shard.document_starts
        lengths = np.diff(self._edges)
        longer = lengths.reshape(-1, 2).max(axis=1)
        fits = longer <= seq_len
        self.numbers, self.lengths = np.flatnonzero(fits), longer[fits]
        if not len(self.numbers):
            why = f"has no pair of answers as short as seq_len {seq_len} tokens"
            raise invalid("data.sources", shard.label, why)
        if reference is not None and reference.shape != lengths.shape:
            why = f"has {len(lengths)} answers, and the reference's log-probabilities are of {len(reference)}"
            raise invalid("data.sources", shard.label, why)
        self._shard, self._length, self._pad, self._reference = shard, seq_len + 1, pad, reference
        self.counts = PairCounts(len(self.numbers), self._same(), int((~fits).sum()))

    def _same(self) -> int:
        tokens, edges = self._shard.tokens, self._edges
        begin, middle, end = edges[2 * self.numbers], edges[2 * self.numbers + 1], edges[2 * self.numbers + 2]
        alike = np.flatnonzero(middle - begin == end - middle)
        return sum(
            np.array_equal(tokens[begin[one] : middle[one]], tokens[middle[one] : end[one]]) for one in alike.tolist()
        )

    def __len__(self) -> int:
        return len(self.numbers)

    def batch(self, pairs: Iterable[int]) -> Batch:
        """Of some of the pairs (places in ``numbers``), rows 2i and 2i + 1 of each."""
        documents = (2 * self.numbers[np.asarray(list(pairs), dtype=np.int64)][:, None] + np.arange(2)).reshape(-1)
        tokens = np.full((len(documents), self._length), self._pad, dtype=np.int64)
        learnt = np.zeros(tokens.shape, dtype=bool)
        sizes = self._edges[documents + 1] - self._edges[documents]
        for place, (start, size) in enumerate(zip(self._edges[documents].tolist(), sizes.tolist(), strict=True)):
            tokens[place, :size] = self._shard.tokens[start : start + size]
            learnt[place, :size] = self._shard.learnt[start : start + size]
        labels = np.where(learnt[:, 1:], tokens[:, 1:], IGNORED)
        reference = None if self._reference is None else self._reference[documents].astype(np.float64)
        return Batch(tokens, labels, reference_B=reference, text_tokens=int(sizes.sum()))


class PairStream(TokenStream):
    """Pairs in the place of windows: rows 2i the preferred answer, 2i + 1 the other one.

    Parameters
    ----------
    global_batch_size
        Rows a step, an even number; everything else that is counted here is pairs.
    references
        By source, what `PairRows` takes as ``reference``; None: batches carry none.

    Raises
    ------
    StudyError
        A source with a weight holds no pairs, or none that fits; the batch is odd; references of a source are missing or of others.
    """

    def __init__(
        self, prepared: PreparedData, weights: Mapping[str, float], seq_len: int, global_batch_size: int, seed: int,
        *, references: Mapping[str, np.ndarray] | None = None, **options: Mapping[str, int] | None,
    ):  # fmt: skip
        if global_batch_size % 2:
            raise invalid("global_batch_size", global_batch_size, "is odd, and rows of pairs come by twos")
        self.conversations: dict[str, PairRows] = {}
        for label in (label for label, weight in weights.items() if weight > 0):
            shard = prepared.shards(label).train
            if not shard.has_pairs:
                raise invalid("data.sources", label, "holds no pairs of answers to choose from; give it weight 0")
            if references is not None and label not in references:
                raise invalid("data.sources", label, "has no log-probabilities of the reference")
            self.conversations[label] = PairRows(shard, seq_len, PAD, references and references[label])
        super().__init__(prepared, weights, seq_len, global_batch_size // 2, seed, **options)

    def _num_windows(self, label: str) -> int:
        return len(self.conversations[label])

    def _slack(self, source: int) -> int:
        return 0

    def rows(self, step: int) -> Batch:
        """Those of step ``step`` (from 0)."""
        count, length = self.global_batch_size, self.seq_len + 1
        sources, places = self._places(step * count, count)
        tokens, labels = np.empty((count, 2, length), dtype=np.int64), np.empty((count, 2, length - 1), dtype=np.int64)
        reference, text_tokens = np.full((count, 2), np.nan), 0
        known = True
        for source in np.unique(sources).tolist():
            own = sources == source
            starts = self._starts(source, self._given[source] + places[own])
            made = self.conversations[self._labels[source]].batch((starts // self.seq_len).tolist())
            tokens[own], labels[own] = made.tokens_BT.reshape(-1, 2, length), made.labels_BT.reshape(-1, 2, length - 1)
            known = made.reference_B is not None
            if known:
                reference[own] = made.reference_B.reshape(-1, 2)
            text_tokens += made.text_tokens
        return Batch(
            tokens.reshape(2 * count, length), labels.reshape(2 * count, length - 1),
            reference_B=reference.reshape(-1) if known else None, text_tokens=text_tokens,
        )  # fmt: skip


def validation_pairs(
    shard: TokenShard, seq_len: int, pad: int, max_tokens: int, reference: np.ndarray | None = None
) -> tuple[Batch, float]:
    """About ``max_tokens`` of held-out pairs that the context holds, spread evenly over the shard, and the bytes of the preferred answers."""
    rows = PairRows(shard, seq_len, pad, reference)
    lengths = np.diff(shard.document_starts).reshape(-1, 2).sum(axis=1)[rows.numbers]
    count = max(1, min(len(rows), int(len(rows) * max_tokens / lengths.sum())))
    chosen = np.arange(count) * len(rows) // count
    return rows.batch(chosen.tolist()), float(shard.answer_bytes[2 * rows.numbers[chosen]].sum())
