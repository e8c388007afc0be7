"""Batches of conversations; like those of windows a pure function of (seed, step)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from studylib.data.chat.pack import ConversationRows
from studylib.data.prepared import PreparedData
from studylib.data.stream import TokenStream
from studylib.data.tokenizer import PAD
from studylib.rows import Batch


class ConversationStream(TokenStream):
    """Rows of conversations in the place of windows; of sources that hold none, windows, learnt whole.

    Which conversations share a row is drawn once; the rows of each epoch come in an order of its own.

    Parameters
    ----------
    most_in_row
        Conversations that share a row at most; None: as many as it holds.
    """

    def __init__(
        self, prepared: PreparedData, weights: Mapping[str, float], seq_len: int, global_batch_size: int, seed: int,
        *, most_in_row: int | None, **options: Mapping[str, int] | None,
    ):  # fmt: skip
        self.conversations = {
            label: ConversationRows(prepared.shards(label).train, seq_len, most_in_row, PAD, (seed, label))
            for label, weight in weights.items()
            if weight > 0 and prepared.shards(label).train.has_conversations
        }
        super().__init__(prepared, weights, seq_len, global_batch_size, seed, **options)

    def _num_windows(self, label: str) -> int:
        rows = self.conversations.get(label)
        return super()._num_windows(label) if rows is None else len(rows)

    def _slack(self, source: int) -> int:
        return 0 if self._labels[source] in self.conversations else super()._slack(source)

    def rows(self, step: int) -> Batch:
        """Those of step ``step`` (from 0)."""
        size = self.global_batch_size
        sources, places = self._places(step * size, size)
        tokens = np.empty((size, self.seq_len + 1), dtype=np.int64)
        labels, begin = np.empty((2, size, self.seq_len), dtype=np.int64)
        text_tokens = 0
        for source in np.unique(sources).tolist():
            own = sources == source
            starts = self._starts(source, self._given[source] + places[own])
            rows = self.conversations.get(self._labels[source])
            if rows is None:
                windows = self._tokens[source][starts[:, None] + np.arange(self.seq_len + 1)].astype(np.int64)
                made = Batch(windows, windows[:, 1:], begin_BT=np.zeros_like(windows[:, 1:]), text_tokens=windows.size)
            else:
                made = rows.batch((starts // self.seq_len).tolist())
            tokens[own], labels[own], begin[own] = made.tokens_BT, made.labels_BT, made.begin_BT
            text_tokens += made.text_tokens
        return Batch(tokens, labels, begin_BT=begin, text_tokens=text_tokens)
