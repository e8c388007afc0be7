"""What a valley runs along: an aspect ratio, a vocabulary, ..."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axis import Axis

from studylib.findings._figures.style import ticks
from studylib.words import Text

# GPT-3 13B 40 x 5140, Llama 2 13B 40 x 5120, LLM-jp 13B 40 x 5120: hidden size over layers.
REFERENCE_ASPECT = 128.0
REFERENCE_LABEL = "GPT-3 · Llama 2 · LLM-jp 13B\n40 × 5120–5140"
REFERENCE_PARAMS = 13e9


@dataclass(frozen=True)
class Quantity:
    """What the valley runs along: its label on the axis, its name in sentences, and a known model to mark (value, label,
    parameters)."""

    label: str
    name: Text
    reference: float | None = None
    reference_label: str = ""
    reference_params: float | None = None


ASPECT = Quantity(
    "aspect ratio = hidden size / layers", Text(en="aspect ratio", ja="縦横比"), REFERENCE_ASPECT, REFERENCE_LABEL, REFERENCE_PARAMS,
)  # fmt: skip


def powers_of_two(axis: Axis, low: float, high: float) -> None:
    """Ticks at powers of two, thinned to about eight, written as plain numbers."""
    first, last = int(np.floor(np.log2(low))), int(np.ceil(np.log2(high)))
    step = max(1, round((last - first) / 7))
    ticks(axis, [2.0**k for k in range(first, last + 1, step) if low <= 2.0**k <= high])
