"""A run's batches in stages; like the plain stream a pure function of (seed, step)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from studylib.data.chat.pairs import PairStream
from studylib.data.chat.prompts import PromptStream
from studylib.data.chat.stream import ConversationStream
from studylib.data.prepared import PreparedData
from studylib.data.stream import TokenStream
from studylib.errors import invalid
from studylib.registry import OBJECTIVES
from studylib.rows import Batch
from studylib.spec import TrialSpec
from studylib.stages import stage_at


class StagedStream:
    """The stages of a trial, one ``TokenStream`` each; a trial without stages is one stage.

    A source goes on in a stage where the stages before it left it, so no text comes again before all of it was seen.
    A stage with a shorter context cuts the very same windows into pieces: same text, same tokens a step, more rows.
    A stage ordered by document length reads the very windows that it would have read in random order, sorted; with
    several epochs, epoch by epoch.
    With ``spec.epochs`` above 1 each source has as many different windows as the run would read of it in 1/epochs of its
    length, and repeats them; whatever the number of epochs, a run begins with the same text.

    Parameters
    ----------
    prepared
        Where the shards are.
    spec
        Gives the stages, the sources' weights, context length, batch size and seed.
    references
        Of sources of pairs, see `PairStream`.
    """

    def __init__(self, prepared: PreparedData, spec: TrialSpec, references: Mapping[str, np.ndarray] | None = None):
        self._references = references
        weights = {source.label: source.weight for source in spec.data.sources}
        size, seq_len = spec.global_batch_size, spec.model.seq_len
        self.ends = spec.stage_ends
        self._starts = (0, *self.ends[:-1])
        self._streams: list[TokenStream] = []
        self._lengths: list[int] = []
        stages = [(stage.mixture or weights, stage.order, stage.seq_len) for stage in spec.stages]
        stages = stages or [(weights, "random", None)]
        distinct = None
        if spec.epochs > 1:
            counts = self._counts(prepared, spec, stages)
            distinct = {label: max(-(-count // spec.epochs), 1) for label, count in counts.items()}
        given: dict[str, int] = {}
        for (mixture, order, length), start, end in zip(stages, self._starts, self.ends, strict=True):
            options = {"given": given, "distinct": distinct}
            stream = self._stream(prepared, mixture, spec, **options)
            if order != "random":
                stream = _SortedStream(
                    prepared, mixture, seq_len, size, spec.seed,
                    **options, steps=end - start, longest_first=order == "long_first",
                )  # fmt: skip
            self._streams.append(stream)
            self._lengths.append(length or seq_len)
            given = stream.given_after(end - start)

    def _counts(self, prepared: PreparedData, spec: TrialSpec, stages: list[tuple]) -> dict[str, int]:
        """Sequences that each source gives in the whole run."""
        given: dict[str, int] = {}
        for (mixture, _, _), start, end in zip(stages, self._starts, self.ends, strict=True):
            stream = self._stream(prepared, mixture, spec, given=given)
            given = stream.given_after(end - start)
        return given

    def _stream(
        self, prepared: PreparedData, mixture: Mapping[str, float], spec: TrialSpec, **options: Mapping[str, int] | None
    ) -> TokenStream:
        arguments = prepared, mixture, spec.model.seq_len, spec.global_batch_size, spec.seed
        objective = OBJECTIVES[spec.objective.name](spec.objective)
        for label, weight in mixture.items() if objective.rows in ("windows", "conversations") else ():
            if weight > 0 and prepared.shards(label).train.has_pairs:
                why = f"holds pairs of answers, half of which objective {spec.objective.name} must not learn; give it weight 0"
                raise invalid("data.sources", label, why)
        if objective.rows == "conversations":
            return ConversationStream(*arguments, most_in_row=objective.most_in_row, **options)
        if objective.rows == "pairs":
            return PairStream(*arguments, references=self._references, **options)
        if objective.rows == "sampled":
            asked = objective.options
            return PromptStream(*arguments, completions=asked.completions, max_tokens=asked.max_tokens, **options)
        return TokenStream(*arguments, **options)

    def prompts(self, step: int) -> list[np.ndarray]:
        """Token ids of the prompts of step ``step`` (from 0), of streams of prompts."""
        place = stage_at(self.ends, step)
        return self._streams[place].prompts(step - self._starts[place])

    def rows(self, step: int) -> Batch:
        """The rows of step ``step`` (from 0), of streams of conversations or pairs."""
        place = stage_at(self.ends, step)
        return self._streams[place].rows(step - self._starts[place])

    def conversations(self) -> dict[str, dict[str, int]]:
        """What the rows of each source of conversations, pairs or prompts hold."""
        return {label: asdict(rows.counts) for stream in self._streams for label, rows in stream.conversations.items()}

    def batch(self, step: int) -> np.ndarray:
        """The token ids of step ``step`` (from 0), int64 [rows, length + 1].

        ``rows * length`` is the same in every step; ``length`` is the context of the step's stage.
        """
        place = stage_at(self.ends, step)
        return cut_rows(self._streams[place].batch(step - self._starts[place]), self._lengths[place])

    def sources_at(self, step: int) -> list[str]:
        """The label of each full-length sequence of a step."""
        place = stage_at(self.ends, step)
        return self._streams[place].sources_at(step - self._starts[place])

    def epochs_at(self, step: int) -> dict[str, float]:
        """How often each source's text has been seen after ``step`` steps; 1.0 is once."""
        epochs: dict[str, float] = {}
        for stream, start, end in zip(self._streams, self._starts, self.ends, strict=True):
            if step >= start:
                epochs |= stream.epochs_at(min(step, end) - start)
        return epochs


def cut_rows(rows: np.ndarray, length: int) -> np.ndarray:
    """Rows of L + 1 tokens, [N, L + 1], as rows of ``length`` + 1: [N * L / length, length + 1], nothing lost."""
    count, whole = rows.shape[0], rows.shape[1] - 1
    if length == whole:
        return rows
    places = np.arange(0, whole, length)[:, None] + np.arange(length + 1)
    return rows[:, places].reshape(count * whole // length, length + 1)


class _SortedStream(TokenStream):
    """The windows of a stretch of ``steps`` steps by the length of the documents they are from."""

    def __init__(
        self, prepared: PreparedData, weights: Mapping[str, float], seq_len: int, global_batch_size: int, seed: int,
        *, given: Mapping[str, int], distinct: Mapping[str, int] | None, steps: int, longest_first: bool,
    ):  # fmt: skip
        super().__init__(prepared, weights, seq_len, global_batch_size, seed, given=given, distinct=distinct)
        self._end = steps
        self._counts_in_all = self._counts(steps * global_batch_size)
        self._longest_first = longest_first
        self._sorted: dict[int, np.ndarray] = {}

    def _starts(self, source: int, places: np.ndarray) -> np.ndarray:
        if source not in self._sorted:
            self._sorted[source] = self._sort(source)
        return self._sorted[source][places - self._given[source]]

    def _sort(self, source: int) -> np.ndarray:
        """Token offsets of all the windows of the stretch, in their order; int64 [windows]."""
        first = self._given[source]
        windows, last = self._windows[source], first + self._counts_in_all[source]
        lengths = mean_document_length(self._shards[source].document_starts)
        parts = []
        for epoch in range(first // windows, -(-last // windows)):
            order, offset = self._order(source, epoch)
            own = order[max(first - epoch * windows, 0) : min(last - epoch * windows, windows)]
            starts = offset + own.astype(np.int64) * self.seq_len
            length = lengths(starts, self.seq_len)
            # Stable, so that windows of equal length keep their random order.
            parts.append(starts[np.argsort(-length if self._longest_first else length, kind="stable")])
        return np.concatenate(parts)


def mean_document_length(document_starts: np.ndarray):
    """A function ``(starts [N], size) -> [N]``: tokens of the documents that a window of ``size`` tokens is from.

    Averaged over the window's tokens, so a window of one long document and a few tokens of a short one counts as long.
    """
    edges = np.asarray(document_starts, dtype=np.float64)
    area = np.concatenate([[0.0], np.cumsum(np.diff(edges) ** 2)])  # the integral of the length over the tokens

    def lengths(starts: np.ndarray, size: int) -> np.ndarray:
        return (np.interp(starts + size, edges, area) - np.interp(starts, edges, area)) / size

    return lengths
