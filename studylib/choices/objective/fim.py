"""Fill-in-the-middle: a causal model learns to see what comes after (Bavarian et al. 2022, arXiv 2207.14255).

A document is cut at two random places and its middle moved behind the rest: prefix-suffix-middle (PSM) or, sharing the
prefix with plain reading, suffix-prefix-middle (SPM, in the paper's second form). Attention stays causal and every token
carries loss. Context-level: cut is what of a document lies in the row, so that no part loses the others.
"""

from __future__ import annotations

import numpy as np

from studylib.choices.objective import Objective
from studylib.choices.objective._layout import continued
from studylib.frozen import Fraction, Frozen
from studylib.rows import Batch, Marks, Row, drawing

__all__ = ["FIM"]

PREFIX, SUFFIX, MIDDLE = range(3)
FEWEST = 3  # tokens of a document that are worth cutting


class FIM(Objective):
    """Options: ``rate``, the share of documents that are cut, and ``spm``, the share of those in SPM order.

    The paper cuts between characters, this one between tokens. A row reads as much of its window as fits with the
    sentinels in: three tokens less for each document cut.
    """

    class Options(Frozen):
        rate: Fraction = 0.5
        spm: Fraction = 0.5

    options: Options

    def extra_tokens(self, seq_len: int) -> int:
        return 3

    def batch(self, windows_BT: np.ndarray, marks: Marks, seed: int, step: int) -> Batch:
        tokens, text_tokens = np.empty(windows_BT.shape, dtype=np.int64), 0
        for number, window in enumerate(windows_BT):
            tokens[number], used = self._row(window, marks, drawing(seed, step, number))
            text_tokens += used
        return Batch(tokens, text_tokens=text_tokens)

    def complete(self, left: np.ndarray, middle: np.ndarray, marks: Marks) -> Row:
        return continued(left, middle)

    def infill(self, left: np.ndarray, middle: np.ndarray, right: np.ndarray, marks: Marks) -> Row | None:
        """The last document of ``left``, behind those before it; in SPM order where that is trained.

        There the middle follows its prefix directly, and is filled in better than in PSM order (section 4 of the paper).
        """
        ends = np.flatnonzero(left == marks.eos)
        start = int(ends[-1]) + 1 if len(ends) else 0
        spm = self.options.rate * self.options.spm > 0
        row = np.concatenate([left[:start], _cut(left[start:], middle, right, marks, spm=spm)]).astype(np.int64)
        return Row(row, len(row) - len(middle), len(row))

    def _row(self, window: np.ndarray, marks: Marks, random: np.random.Generator) -> tuple[np.ndarray, int]:
        """A row as long as the window, and how many of the window's tokens are in it."""
        parts: list[np.ndarray] = []
        room, place = len(window), 0
        ends = [*(np.flatnonzero(window == marks.eos) + 1), len(window)]
        for end in ends:
            document = window[place : min(end, place + room)]
            if not len(document):
                continue
            cut, spm, *borders = random.random(4)
            closed = document[-1] == marks.eos
            if cut < self.options.rate and room >= FEWEST + 3:
                # What does not fit beside the sentinels is left out before the cut, or the middle would lose its end.
                if len(document) + 3 > room:
                    document, closed = document[: room - 3], False
                size = len(document) - closed
                if size >= FEWEST:
                    first, second = sorted(int(border * (size + 1)) for border in borders)
                    moved = _cut(
                        document[:first],
                        document[first:second],
                        document[second:size],
                        marks,
                        spm=spm < self.options.spm,
                    )
                    parts += [moved, document[size:]]
                    room, place = room - len(document) - 3, place + len(document)
                    continue
            parts.append(document)
            room, place = room - len(document), place + len(document)
        row = np.concatenate(parts)
        return row, place


def _cut(left: np.ndarray, middle: np.ndarray, right: np.ndarray, marks: Marks, *, spm: bool) -> np.ndarray:
    """``<PRE> left <SUF> right <MID> middle``, or ``<PRE> <SUF> right <MID> left middle``."""
    prefix, suffix, centre = ([marks.first_extra + one] for one in (PREFIX, SUFFIX, MIDDLE))
    if spm:
        return np.concatenate([prefix, suffix, right, centre, left, middle]).astype(np.int64)
    return np.concatenate([prefix, left, suffix, right, centre, middle]).astype(np.int64)
