"""Contexts longer than trained: does the positional encoding carry on?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from studylib.data import PreparedData, validation_windows
from studylib.parallel import World
from studylib.registry import POSITIONS
from studylib.spec import TrialSpec
from studylib.train.compute import Compute
from studylib.train.probe import Probe, token_losses
from studylib.train.validation import EVALUATION_TOKENS

__all__ = ["LongerContext"]

FACTORS = (2, 4)


class LongerContext(Probe):
    """Loss on validation text at twice and four times the trained context, and of the same text cut to the trained one.

    The cut is what makes it a comparison: same tokens, so what differs is the context alone. An encoding that ends at the
    trained length (learned positions) is not asked; ``longest`` says so.
    """

    def __init__(self, spec: TrialSpec, prepared: PreparedData):
        self._trained = spec.model.seq_len
        self._longest = POSITIONS[spec.model.position](spec.model).longest
        weights = {source.label: source.weight for source in spec.data.sources if not source.auxiliary}
        lengths = [factor * self._trained for factor in FACTORS]
        self._windows = {
            length: validation_windows(prepared, weights, length, spec.eval_tokens)
            for length in lengths
            if self._longest is None or length <= self._longest
        }

    def measure(self, model: Any, world: World, compute: Compute) -> dict[str, Any]:
        """``{"trained", "longest", "lengths": {length: {"loss", "bpb", "cut", "within", "beyond"}}}``.

        ``loss`` (nats per token) and ``bpb`` are at that length, ``cut`` is the loss of the same tokens in windows of the
        trained length, ``within`` and ``beyond`` those of the positions up to it and after. Sources count by tokens.
        """
        found = {}
        for length, sets in self._windows.items():
            num_bytes = sum(size for _, _, size in sets)
            rows = np.concatenate([windows for _, windows, _ in sets])
            losses = self._losses(model, world, compute, rows)
            cut = self._losses(model, world, compute, cut_windows(rows, self._trained))
            found[str(length)] = {
                "loss": float(losses.mean()),
                "bpb": float(losses.sum() / math.log(2) / num_bytes),
                "cut": float(cut.mean()),
                "within": float(losses[:, : self._trained].mean()),
                "beyond": float(losses[:, self._trained :].mean()),
            }
        return {"trained": self._trained, "longest": self._longest, "lengths": found}

    def _losses(self, model: Any, world: World, compute: Compute, rows: np.ndarray) -> np.ndarray:
        batch_rows = max(1, EVALUATION_TOKENS // (rows.shape[1] - 1))
        return token_losses(model, world, compute, rows, batch_rows)


def cut_windows(rows_BT: np.ndarray, length: int) -> np.ndarray:
    """Windows [n, k * length + 1] to [n * k, length + 1] that predict the same tokens."""
    pieces = [rows_BT[:, start : start + length + 1] for start in range(0, rows_BT.shape[1] - 1, length)]
    return np.concatenate(pieces)
