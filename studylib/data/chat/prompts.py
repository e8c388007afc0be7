"""What is asked in conversations and pairs, to be answered anew; a pure function of (seed, step)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from studylib.data.prepared import PreparedData
from studylib.data.shards import TokenShard
from studylib.data.stream import TokenStream
from studylib.errors import invalid


@dataclass(frozen=True)
class PromptCounts:
    """Prompts of a shard: those used, and those left out, since the context has no room for an answer behind them."""

    used: int
    left_out: int


class PromptRows:
    """A shard's prompts: of each conversation or pair everything before the last answer.

    Parameters
    ----------
    shard
        Of conversations or pairs.
    longest
        Tokens of a prompt; of those that are longer the end is what matters, so they are left out and not cut.

    Raises
    ------
    StudyError
        No prompt is as short.
    """

    def __init__(self, shard: TokenShard, longest: int):
        starts, stops = shard.document_starts[:-1], shard.document_starts[1:]
        if shard.has_pairs:  # both sides have the same
            starts, stops = starts[::2], stops[::2]
        learnt = np.asarray(shard.learnt)
        sizes = [
            stop - start - int(learnt[start:stop][::-1].argmin())
            for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
        ]
        fits = np.array(sizes) <= longest
        if not fits.any():
            why = (
                f"has no prompt as short as {longest} tokens, so that an answer of objective.max_tokens fits behind it"
            )
            raise invalid("data.sources", shard.label, why)
        self._shard, self._starts, self._sizes = shard, starts[fits], np.array(sizes)[fits]
        self.counts = PromptCounts(int(fits.sum()), int((~fits).sum()))

    def __len__(self) -> int:
        return len(self._starts)

    def prompt(self, number: int) -> np.ndarray:
        """Token ids of one of them, from the mark that begins a text to where the answer begins; int64 [its tokens]."""
        start = int(self._starts[number])
        return self._shard.tokens[start : start + int(self._sizes[number])].astype(np.int64)


class PromptStream(TokenStream):
    """Prompts in the place of windows.

    Parameters
    ----------
    global_batch_size
        Answers a step; everything else that is counted here is prompts.
    completions
        Answers to each prompt.
    max_tokens
        Of an answer, which the context holds whole, also with an end put behind it.

    Raises
    ------
    StudyError
        A source with a weight holds neither conversations nor pairs, or no prompt that leaves room for an answer.
    """

    def __init__(
        self, prepared: PreparedData, weights: Mapping[str, float], seq_len: int, global_batch_size: int, seed: int,
        *, completions: int, max_tokens: int, **options: Mapping[str, int] | None,
    ):  # fmt: skip
        self.conversations: dict[str, PromptRows] = {}
        for label in (label for label, weight in weights.items() if weight > 0):
            shard = prepared.shards(label).train
            if not (shard.has_conversations or shard.has_pairs):
                why = "holds no conversations or pairs, whose prompts could be answered; give it weight 0"
                raise invalid("data.sources", label, why)
            self.conversations[label] = PromptRows(shard, seq_len - 1 - max_tokens)
        super().__init__(prepared, weights, seq_len, global_batch_size // completions, seed, **options)

    def _num_windows(self, label: str) -> int:
        return len(self.conversations[label])

    def _slack(self, source: int) -> int:
        return 0

    def prompts(self, step: int) -> list[np.ndarray]:
        """Those of step ``step`` (from 0)."""
        count = self.global_batch_size
        sources, places = self._places(step * count, count)
        found: list[np.ndarray] = [np.empty(0)] * count
        for source in np.unique(sources).tolist():
            own = np.flatnonzero(sources == source)
            starts = self._starts(source, self._given[source] + places[own])
            rows = self.conversations[self._labels[source]]
            for place, number in zip(own.tolist(), (starts // self.seq_len).tolist(), strict=True):
                found[place] = rows.prompt(number)
        return found
