"""Batches as a pure function of (seed, step): the same on any topology, worker or resume point."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping

import numpy as np

from studylib.data.prepared import PreparedData
from studylib.data.shards import TokenShard
from studylib.errors import invalid

# Weights become whole numbers of this many parts, so that shares are exact after any number of sequences.
_PARTS = 1 << 32
# Cutting many windows at once costs each a fraction of what it costs alone: 0.5 MB of ids at a time.
_TOKENS_AT_ONCE = 1 << 16


class TokenStream:
    """Windows of the training shards, mixed by weight.

    Sequence ``n`` of a run takes its source from a fixed interleaving in which each source's count never strays by
    more than the depth of a binary tree over the sources (one sequence for two sources) from its share. Within a
    source, windows come in a shuffled order without replacement; each epoch has its own order, and its own offset
    within the part that is left over.

    Parameters
    ----------
    prepared
        Where the shards are.
    weights
        Share of each source by label; zero leaves a source out. Only the ratios count.
    seq_len
        Tokens predicted per sequence; a window has one more.
    global_batch_size
        Sequences a step.
    seed
        Of the orders.
    given
        Sequences that each source gave before this stream begins, by label; it goes on behind them.
    distinct
        Different windows that each source may give, by label; left out: all of its shard. They are those that come first
        in the shard's own first order, so a run on them begins as one on all does; then they come again, each time in
        another order.

    Raises
    ------
    StudyError
        Unknown label, no positive weight, a shard shorter than one window, or with fewer windows than asked for.
    """

    def __init__(
        self,
        prepared: PreparedData,
        weights: Mapping[str, float],
        seq_len: int,
        global_batch_size: int,
        seed: int,
        *,
        given: Mapping[str, int] | None = None,
        distinct: Mapping[str, int] | None = None,
    ):
        chosen = {label: float(weight) for label, weight in weights.items() if weight > 0}
        if not chosen:
            raise invalid("weights", dict(weights), "has no positive weight")
        self.seq_len, self.global_batch_size, self.seed = seq_len, global_batch_size, seed
        self._labels = list(chosen)
        self._shards = [prepared.shards(label).train for label in chosen]
        # Plain arrays over the files: cutting a numpy.memmap itself costs ten times as much.
        self._tokens = [np.asarray(shard.tokens) for shard in self._shards]
        self._in_shard = [self._num_windows(label) for label in chosen]
        self._repeats = distinct is not None
        self._windows = self._in_shard if distinct is None else self._allowed(distinct)
        self._before = dict(given or {})
        self._given = [self._before.get(label, 0) for label in chosen]
        self._splits = _splits(list(chosen.values()))
        self._orders: dict[int, tuple[int, np.ndarray, int]] = {}
        self._steps_at_once = max(1, _TOKENS_AT_ONCE // (global_batch_size * (seq_len + 1)))
        self._block: tuple[int, np.ndarray] | None = None
        self._end = sys.maxsize  # the step at which the stream stops; it has no end of its own

    def batch(self, step: int) -> np.ndarray:
        """The token ids of step ``step`` (from 0); int64 [global_batch_size, seq_len + 1]."""
        number, place = divmod(step, self._steps_at_once)
        if self._block is None or self._block[0] != number:
            begin = number * self._steps_at_once
            self._block = number, self._rows(begin, min(self._steps_at_once, self._end - begin))
        return self._block[1][place].copy()

    def _rows(self, first_step: int, steps: int) -> np.ndarray:
        """The token ids of consecutive steps; int64 [steps, global_batch_size, seq_len + 1]."""
        sources, places = self._places(first_step * self.global_batch_size, steps * self.global_batch_size)
        rows = np.empty((len(sources), self.seq_len + 1), dtype=np.int64)
        window = np.arange(self.seq_len + 1)
        for source in np.unique(sources).tolist():
            own = sources == source
            starts = self._starts(source, self._given[source] + places[own])
            rows[own] = self._tokens[source][starts[:, None] + window]
        return rows.reshape(steps, self.global_batch_size, self.seq_len + 1)

    def sources_at(self, step: int) -> list[str]:
        """The label of each sequence of a step."""
        sources, _ = self._places(step * self.global_batch_size, self.global_batch_size)
        return [self._labels[source] for source in sources]

    def epochs_at(self, step: int) -> dict[str, float]:
        """How often each source's text has been seen after ``step`` steps; 1.0 is once."""
        after = self.given_after(step)
        return {label: after[label] / windows for label, windows in zip(self._labels, self._windows, strict=True)}

    def given_after(self, steps: int) -> dict[str, int]:
        """Sequences that each source has given after ``steps`` steps, those before this stream included."""
        counts = self._counts(steps * self.global_batch_size)
        own = {label: before + count for label, before, count in zip(self._labels, self._given, counts, strict=True)}
        return self._before | own

    def _starts(self, source: int, places: np.ndarray) -> np.ndarray:
        """Token offsets of a source's sequences number ``places``; int64 [sequences] both."""
        epochs, positions = np.divmod(places, self._windows[source])
        starts = np.empty(len(places), dtype=np.int64)
        for epoch in np.unique(epochs).tolist():
            own = epochs == epoch
            order, offset = self._order(source, epoch)
            starts[own] = offset + order[positions[own]].astype(np.int64) * self.seq_len
        return starts

    def _places(self, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Of the run's sequences from number ``first`` on: their sources, and their numbers within these; int64 [count]."""
        numbers = np.arange(first, first + count, dtype=np.int64)
        sources = np.full(count, len(self._splits), dtype=np.int64)
        places = np.empty(count, dtype=np.int64)
        left = np.ones(count, dtype=bool)
        for source, share in enumerate(self._splits):
            before = _share_of(numbers, share)
            taken = left & (_share_of(numbers + 1, share) > before)
            sources[taken], places[taken] = source, before[taken]
            left &= ~taken
            numbers = np.where(left, numbers - before, 0)
        places[left] = numbers[left]
        return sources, places

    def _counts(self, number: int) -> list[int]:
        """How many of the first ``number`` sequences each source gives."""
        counts = []
        for share in self._splits:
            counts.append(number * share // _PARTS)
            number -= counts[-1]
        return [*counts, number]

    def _order(self, source: int, epoch: int) -> tuple[np.ndarray, int]:
        """Window numbers of one epoch in their order, and the epoch's offset in tokens."""
        cached = self._orders.get(source)
        if cached is None or cached[0] != epoch:
            order, offset = self._order_in_shard(source, 0 if self._repeats else epoch)
            if self._repeats:
                order = order[: self._windows[source]]
                if epoch:
                    order = _philox("repeat", self.seed, self._labels[source], epoch).permutation(order)
            cached = (epoch, order, offset)
            self._orders[source] = cached
        return cached[1], cached[2]

    def _order_in_shard(self, source: int, epoch: int) -> tuple[np.ndarray, int]:
        """All windows of the shard."""
        random = _philox("order", self.seed, self._labels[source], epoch)
        windows, slack = self._in_shard[source], self._slack(source)
        order = random.permutation(np.arange(windows, dtype=np.uint32 if windows < 1 << 32 else np.uint64))
        return order, int(random.integers(slack + 1))

    def _num_windows(self, label: str) -> int:
        """Those of a source's shard."""
        return _num_windows(self._shards[self._labels.index(label)], self.seq_len, "train")

    def _slack(self, source: int) -> int:
        """Tokens of a source's shard that its windows leave over."""
        return self._shards[source].num_tokens - 1 - self._in_shard[source] * self.seq_len

    def _allowed(self, distinct: Mapping[str, int]) -> list[int]:
        for label, windows in zip(self._labels, self._in_shard, strict=True):
            if distinct[label] > windows:
                why = (
                    f"asks for {distinct[label]} different sequences of {self.seq_len} tokens, but there are {windows}"
                )
                raise invalid("epochs", label, f"{why}; fewer tokens, more text, or more epochs")
        return [distinct[label] for label in self._labels]


def _share_of(numbers: np.ndarray, share: int) -> np.ndarray:
    """``numbers * share // _PARTS`` for numbers below 2**63 (their product with the share does not fit 64 bits)."""
    whole, rest = np.divmod(numbers, _PARTS)
    # share is at most _PARTS, so the product with the rest stays below 2**64.
    return whole * share + ((rest.astype(np.uint64) * np.uint64(share)) // np.uint64(_PARTS)).astype(np.int64)


def _splits(weights: list[float]) -> list[int]:
    """For each source but the last, its share of what the sources before it leave, in parts."""
    shares, left = [], sum(weights)
    for weight in weights[:-1]:
        shares.append(round(weight / left * _PARTS))
        left -= weight
    return shares


def _num_windows(shard: TokenShard, seq_len: int, side: str) -> int:
    windows = (shard.num_tokens - 1) // seq_len
    if windows < 1:
        why = f"has {shard.num_tokens} {side} tokens, fewer than one sequence of seq_len {seq_len} + 1"
        raise invalid("data.sources", shard.label, why)
    return windows


def _philox(*key: object) -> np.random.Generator:
    digest = hashlib.blake2b(repr(key).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "big")))


def validation_windows(
    prepared: PreparedData, weights: Mapping[str, float], seq_len: int, max_tokens: int
) -> list[tuple[str, np.ndarray, float]]:
    """The validation text of each source in ``weights``, the same for every trial.

    Each source gets an equal part of ``max_tokens`` whatever its weight (also a weight of zero: a source that is not
    trained on may be watched), as windows spread evenly over its shard, so that text sorted by kind is seen whole.

    Returns
    -------
    list of (label, windows, bytes)
        windows int64 [n, seq_len + 1]; bytes: UTF-8 bytes of the text behind the ``n * seq_len`` predicted tokens.

    Raises
    ------
    StudyError
        Unknown label, or a shard shorter than one window.
    """
    chosen = []
    for label in weights:
        shard = prepared.shards(label).validation
        available = _num_windows(shard, seq_len, "validation")
        count = max(1, min(available, max_tokens // len(weights) // seq_len))
        starts = (np.arange(count, dtype=np.int64) * available // count) * seq_len
        windows = np.stack([shard.tokens[start : start + seq_len + 1] for start in starts]).astype(np.int64)
        size = sum(shard.bytes_in(start + 1, start + seq_len + 1) for start in starts)
        chosen.append((label, windows, size))
    return chosen
