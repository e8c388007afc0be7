"""Loss by position in the context: what a model gains from what it has read before."""

from __future__ import annotations

from typing import Any

import numpy as np

from studylib.data import PreparedData, validation_windows
from studylib.parallel import World
from studylib.spec import TrialSpec
from studylib.train.compute import Compute
from studylib.train.probe import Probe, token_losses
from studylib.train.validation import EVALUATION_TOKENS

__all__ = ["LossByPosition"]

_BINS = 8


class LossByPosition(Probe):
    """Mean loss on the validation windows in bins of positions, by source.

    Bins double in width (position 1 to 2, 3 to 4, 5 to 8, ...), because what context brings goes with its logarithm; the first ones are
    joined so that there are eight at most.
    """

    def __init__(self, spec: TrialSpec, prepared: PreparedData):
        weights = {source.label: source.weight for source in spec.data.sources if not source.auxiliary}
        self._windows = validation_windows(prepared, weights, spec.model.seq_len, spec.eval_tokens)
        self._edges = position_edges(spec.model.seq_len)
        self._rows = max(spec.micro_batch_size, EVALUATION_TOKENS // spec.model.seq_len)

    def measure(self, model: Any, world: World, compute: Compute) -> dict[str, Any]:
        """``{"edges": [0, ...], "loss": {label: [nats per token by bin]}}``; bin i is positions edges[i] to edges[i+1]."""
        found = {}
        for label, windows, _ in self._windows:
            by_position = token_losses(model, world, compute, windows, self._rows).mean(axis=0)
            pairs = zip(self._edges[:-1], self._edges[1:], strict=True)
            found[label] = [float(np.mean(by_position[start:stop])) for start, stop in pairs]
        return {"edges": self._edges, "loss": found}


def position_edges(seq_len: int) -> list[int]:
    """``[0, 1, 2, 4, ..., seq_len]``, nine numbers at most."""
    edges = [seq_len]
    while edges[0] > 1 and len(edges) < _BINS:
        edges.insert(0, -(-edges[0] // 2))
    return [0, *edges]
