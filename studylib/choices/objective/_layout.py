"""Rows as they are laid out: plain continuation, and spans behind sentinels.

A denoising row is ``[mode] text with sentinels in place of spans | sentinel span sentinel span ... last sentinel``: what an
encoder-decoder reads and writes (T5, arXiv 1910.10683, figure 2), one behind the other. The first part is the prefix,
which sees itself both ways and carries no loss.
"""

from __future__ import annotations

import numpy as np

from studylib.rows import IGNORED, Batch, Row


def continued(left: np.ndarray, middle: np.ndarray, *, prefix: bool = False) -> Row:
    """``left``, which goes on with ``middle``; with ``prefix``, the first part is one."""
    tokens = np.concatenate([left, middle]).astype(np.int64)
    return Row(tokens, len(left), len(tokens), len(left) if prefix else 0)


def halves(windows_BT: np.ndarray) -> Batch:
    """Windows of which the second half is learnt, and whose reference finds everything certain."""
    labels = windows_BT[:, 1:].copy()
    labels[:, : labels.shape[1] // 2] = IGNORED
    return Batch(windows_BT, labels, reference_B=np.zeros(len(windows_BT)), text_tokens=windows_BT.size)


def denoising(text: np.ndarray, spans: list[tuple[int, int]], mode: int, first_sentinel: int) -> tuple[np.ndarray, int]:
    """The row of ``text`` with ``spans`` (start, stop; in their order, not touching) taken out, and its prefix length."""
    inputs: list[np.ndarray] = [np.array([mode])]
    targets: list[np.ndarray] = []
    before = 0
    for number, (start, stop) in enumerate(spans):
        sentinel = np.array([first_sentinel + number])
        inputs += [text[before:start], sentinel]
        targets += [sentinel, text[start:stop]]
        before = stop
    inputs.append(text[before:])
    targets.append(np.array([first_sentinel + len(spans)]))
    prefix_len = sum(map(len, inputs))
    return np.concatenate([*inputs, *targets]).astype(np.int64), prefix_len
