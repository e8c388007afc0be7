"""UL2: a mixture of denoisers (Tay et al. 2022, arXiv 2205.05131, table 1 and section 3).

R (regular) takes out short spans, 15 % of the text; S (sequential) the end of the text; X (extreme) long spans or half of the
text. A mode token says which one a row is. Here for a decoder: the text with its gaps is a prefix that sees itself both ways,
the spans follow behind it, and loss is counted on them alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from studylib.choices.objective import Objective
from studylib.choices.objective._layout import denoising
from studylib.choices.objective._spans import Denoiser
from studylib.errors import invalid
from studylib.frozen import Frozen, as_number
from studylib.rows import Batch, Marks, Row, drawing, stack

if TYPE_CHECKING:
    from studylib.spec import ObjectiveSpec

__all__ = ["UL2"]

DENOISERS = {
    "r": (Denoiser(0.15, 3), Denoiser(0.15, 8)),
    "s": (Denoiser(0.25, None),),
    "x": (Denoiser(0.5, 3), Denoiser(0.5, 8), Denoiser(0.15, 64), Denoiser(0.5, 64)),
}
MODES = {name: place for place, name in enumerate(DENOISERS)}
# Section 3.1.1: a row is extreme if a span is this long or this much of the text is gone.
EXTREME_SPAN, EXTREME_RATE = 12, 0.3
SHORTEST_SEQ_LEN = 8

Weight = Annotated[float, BeforeValidator(as_number), Field(ge=0)]


class UL2(Objective):
    """Options: weights ``r``, ``s``, ``x`` of the denoisers (shared equally inside a kind), and ``causal``: plain rows.

    A row reads as much of the start of its window as fits once sentinels are in: what T5 does by reading more text than
    the encoder's length, for one row of given length.
    """

    class Options(Frozen):
        """Weights of the kinds of rows; only ratios count. The default draws all seven denoisers equally often."""

        r: Weight = 2.0
        s: Weight = 1.0
        x: Weight = 4.0
        causal: Weight = 0.0

        @model_validator(mode="after")
        def _something_is_drawn(self) -> Self:
            if not self.r + self.s + self.x:
                raise invalid("r, s, x", 0, "leave no denoiser; give one of them weight, or take the objective causal")
            return self

    options: Options
    prefixes, masked = True, True

    def __init__(self, spec: ObjectiveSpec):
        super().__init__(spec)
        # Every denoiser with the end of its share of the unit interval.
        kinds = [(name, one) for name, several in DENOISERS.items() for one in several]
        weights = [getattr(self.options, name) / len(DENOISERS[name]) for name, _ in kinds]
        self._kinds = [*kinds, ("causal", None)]
        self._ends = np.cumsum([*weights, self.options.causal]) / sum([*weights, self.options.causal])

    def extra_tokens(self, seq_len: int) -> int:
        """Three mode tokens, and a sentinel for every span of the row with the most spans, and one for the end."""
        if seq_len < SHORTEST_SEQ_LEN:
            raise invalid("model.seq_len", seq_len, f"is too short for ul2; it needs {SHORTEST_SEQ_LEN} tokens")
        spans = [
            one.counts(one.text_tokens(seq_len + 1))[1]
            for name, several in DENOISERS.items()
            if getattr(self.options, name)
            for one in several
        ]
        return len(MODES) + max(2, *spans, 1) + 1

    def batch(self, windows_BT: np.ndarray, marks: Marks, seed: int, step: int) -> Batch:
        length = windows_BT.shape[1]
        rows, text_tokens = [], 0
        for number, window in enumerate(windows_BT):
            random = drawing(seed, step, number)
            name, denoiser = self._kinds[int(np.searchsorted(self._ends, random.random(), side="right"))]
            if denoiser is None:
                rows.append((window, 0, 0))
                text_tokens += length
                continue
            size = denoiser.text_tokens(length)
            row, prefix_len = denoising(window[:size], denoiser.spans(size, random), *self._extra(name, marks))
            rows.append((row, prefix_len, prefix_len))
            text_tokens += size
        return stack(rows, length, marks.pad, text_tokens)

    def complete(self, left: np.ndarray, middle: np.ndarray, marks: Marks) -> Row:
        """As the S denoiser asks."""
        text = np.concatenate([left, middle])
        return self._asked(text, (len(left), len(text)), "s", marks)

    def infill(self, left: np.ndarray, middle: np.ndarray, right: np.ndarray, marks: Marks) -> Row | None:
        """As the R or the X denoiser asks, by the paper's border between them."""
        text = np.concatenate([left, middle, right])
        extreme = len(middle) >= EXTREME_SPAN or len(middle) >= EXTREME_RATE * len(text)
        return self._asked(text, (len(left), len(left) + len(middle)), "x" if extreme else "r", marks)

    def _asked(self, text: np.ndarray, span: tuple[int, int], mode: str, marks: Marks) -> Row:
        row, prefix_len = denoising(text, [span], *self._extra(mode, marks))
        return Row(row, prefix_len + 1, len(row) - 1, prefix_len)

    @staticmethod
    def _extra(mode: str, marks: Marks) -> tuple[int, int]:
        """The mode's token and the first sentinel."""
        return marks.first_extra + MODES[mode], marks.first_extra + len(MODES)
