"""Filling in: how well a span of held-out text is predicted with what comes before it, and with what comes after it too."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from studylib.data import PreparedData, Tokenizer
from studylib.data.tokenizer import EOS
from studylib.data.training_rows import marks_of
from studylib.errors import invalid
from studylib.parallel import World
from studylib.registry import OBJECTIVES
from studylib.rows import Row, drawing
from studylib.spec import TrialSpec
from studylib.train.compute import Compute
from studylib.train.probe import Probe, token_losses
from studylib.train.validation import EVALUATION_TOKENS

__all__ = ["Infilling"]

DOCUMENTS, FEWEST = 96, 8
SPANS = {"short": 8, "long": 32}  # tokens, less where the context is short
SHARES = {"short": 4, "long": 3}  # the span is at most one in so many tokens of the text
OVERHEAD = 6  # tokens of a row that are no text, at most


class Infilling(Probe):
    """Spans of documents, the same for every objective on the same data and context length, in its own format.

    ``left``: the text before the span is given, as a prefix where the objective has prefixes. ``both``: the rest of the
    document behind it too, by FIM's or a denoiser's rows. Causal and prefix models have no format for that: they only have
    ``left``. Rows are filled up with the text before the document, because that is how long they are in training: a
    denoiser learns its rows' length, and fails on short ones. Compared are bits per byte of the span, so what a mark or
    sentinel costs does not count; an objective's ``both`` is best held against the causal model's ``left``, which every
    token of its training taught (a denoiser sees few rows that end in their span).
    """

    def __init__(self, spec: TrialSpec, prepared: PreparedData):
        self._batch_rows = max(spec.micro_batch_size, EVALUATION_TOKENS // spec.model.seq_len)
        self._rows: dict[tuple[str, str], list[Row]] = {}
        self._bytes: dict[str, np.ndarray] = {}
        tokenizer = Tokenizer.load(prepared.tokenizer_file)
        objective = OBJECTIVES[spec.objective.name](spec.objective)
        for length in SPANS:
            spans = _spans(length, spec, prepared)
            marks = marks_of(spec)
            sizes = [sum(len(tokenizer.token_bytes(int(token))) for token in middle) for _, middle, _ in spans]
            self._bytes[length] = np.array(sizes, dtype=np.float64)
            self._rows[length, "left"] = [objective.complete(left, middle, marks) for left, middle, _ in spans]
            both = [objective.infill(*span, marks) for span in spans]
            if None not in both:
                self._rows[length, "both"] = both
        self._pad = marks.pad

    def measure(self, model: Any, world: World, compute: Compute) -> dict[str, dict[str, float]]:
        """By length of span (``short``, ``long``): ``spans``, their mean ``tokens``, and bits per byte of ``left`` and of
        ``both`` where the objective has it, then ``gain`` = left - both; each with its standard ``..._error`` over spans.
        """
        found: dict[str, dict[str, float]] = {}
        for length, sizes in self._bytes.items():
            bits = {
                side: self._bits(rows, model, world, compute)
                for (one, side), rows in self._rows.items()
                if one == length
            }
            if "both" in bits:
                bits["gain"] = bits["left"] - bits["both"]
            rows = self._rows[length, "left"]
            found[length] = {"spans": len(rows), "tokens": float(np.mean([row.stop - row.start for row in rows]))}
            for name, one in bits.items():
                found[length] |= dict(zip((name, f"{name}_error"), _ratio(one, sizes), strict=True))
        return found

    def _bits(self, rows: list[Row], model: Any, world: World, compute: Compute) -> np.ndarray:
        """Bits of each row's span, float64 [rows]."""
        tokens = np.full((len(rows), max(len(row.tokens) for row in rows)), self._pad, dtype=np.int64)
        for place, row in enumerate(rows):
            tokens[place, : len(row.tokens)] = row.tokens
        prefixes = np.array([row.prefix_len for row in rows])
        losses = token_losses(
            model, world, compute, tokens, self._batch_rows, prefix_len_B=prefixes if prefixes.any() else None
        )
        return np.array(
            [losses[place, row.start - 1 : row.stop - 1].sum() for place, row in enumerate(rows)]
        ) / math.log(2)


def _spans(length: str, spec: TrialSpec, prepared: PreparedData) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(left, middle, right) of documents spread evenly over the validation text, each side as long as the span at least.

    ``left`` begins with the end of the document before, or with more of them, as far as there is room.

    Raises
    ------
    StudyError
        There are too few documents of three spans.
    """
    room = spec.model.seq_len - OVERHEAD
    size = max(min(SPANS[length], room // SHARES[length]), 1)
    labels = [source.label for source in spec.data.sources if not source.auxiliary]
    found = []
    for label in labels:
        shard = prepared.shards(label).validation
        edges = shard.document_starts
        long_enough = np.flatnonzero(np.diff(edges) - 1 >= 3 * size)
        count = min(DOCUMENTS // len(labels) or 1, len(long_enough))
        for place in long_enough[np.arange(count) * len(long_enough) // max(count, 1)]:
            text = shard.tokens[edges[place] : edges[place + 1] - 1][:room].astype(np.int64)
            start = int(drawing("infilling", label, length, int(place)).integers(size, len(text) - 2 * size + 1))
            before = shard.tokens[max(0, edges[place] - (room - len(text))) : edges[place]].astype(np.int64)
            left = np.concatenate([before if len(before) else [EOS], text[:start]]).astype(np.int64)
            found.append((left, text[start : start + size], text[start + size :]))
    if len(found) < FEWEST:
        why = f"needs {FEWEST} held-out documents of {3 * size} tokens, but there are {len(found)}; give more text"
        raise invalid("probes", "infilling", why)
    return found


def _ratio(bits: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    """All bits over all bytes, and the standard error of that ratio over spans (Cochran 1977, section 6.4)."""
    ratio = bits.sum() / sizes.sum()
    residual = np.std(bits - ratio * sizes, ddof=1) / len(bits) ** 0.5
    return float(ratio), float(residual / sizes.mean())
