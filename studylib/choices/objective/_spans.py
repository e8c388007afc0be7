"""Spans to take out of a text, and how much text fits a row once they are taken out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np


@dataclass(frozen=True)
class Denoiser:
    """Spans of ``mean_span`` tokens on average that make up ``rate`` of a text; one at its end when ``mean_span`` is None.

    In the notation of UL2 (mu, r, n), with n following from the other two, or (L / 4, 0.25, 1).
    """

    rate: float
    mean_span: float | None

    def counts(self, text_tokens: int) -> tuple[int, int]:
        """(tokens taken out, spans) of a text of ``text_tokens`` >= 2, as T5 rounds them; on average when at the end."""
        noise = min(max(round(text_tokens * self.rate), 1), text_tokens - 1)
        if self.mean_span is None:
            return noise, 1
        return noise, min(max(round(noise / self.mean_span), 1), noise, text_tokens - noise)

    def text_tokens(self, row_tokens: int) -> int:
        """The longest text whose row is no longer than ``row_tokens``: mode, text, two sentinels a span, the last one."""
        return _longest_text(self, row_tokens)

    def spans(self, text_tokens: int, random: np.random.Generator) -> list[tuple[int, int]]:
        """(start, stop) of each span, in order; between two there is at least one token.

        All cuts of the tokens taken out, and of those left, into as many pieces are equally likely, as in T5's
        ``random_spans_noise_mask``, but for two of its properties that matter in rows so short that they have few spans.
        T5's last span is always the end of the text, so a row with one span never shows text behind it: here a text ends
        in or behind a span alike. And its spans make up the same number of tokens in every row, so a single one always
        has the same length: here that is drawn uniformly, with the same mean. A text never begins inside a span. The span
        at the end has a length drawn uniformly from 1 to half of the text.
        """
        if self.mean_span is None:
            return [(text_tokens - int(random.integers(1, text_tokens // 2 + 1)), text_tokens)]
        noise, count = self.counts(text_tokens)
        if count == 1:
            noise = int(random.integers(1, min(2 * noise, text_tokens)))
        taken, kept = _pieces(noise, count, random), _pieces(text_tokens - noise + 1, count + 1, random)
        stops = np.cumsum(taken + kept[:-1])  # what is left of the last piece is the end of the text, or nothing
        return [(int(stop - size), int(stop)) for stop, size in zip(stops, taken, strict=True)]


def _pieces(total: int, count: int, random: np.random.Generator) -> np.ndarray:
    """``count`` sizes of at least 1 that add up to ``total``; every such row of sizes is equally likely."""
    cuts = np.sort(random.permutation(total - 1)[: count - 1]) + 1
    return np.diff(np.concatenate([[0], cuts, [total]]))


@cache
def _longest_text(denoiser: Denoiser, row_tokens: int) -> int:
    sizes = range(row_tokens - 4, 1, -1)
    return next(size for size in sizes if size + 2 * denoiser.counts(size)[1] + 2 <= row_tokens)
