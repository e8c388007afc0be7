"""How evenly a mixture of experts uses its experts, and whether sources prefer different ones."""

from __future__ import annotations

from typing import Any

from studylib.data import PreparedData, validation_windows
from studylib.errors import invalid
from studylib.model.moe.load import read_load, reset_load
from studylib.parallel import World
from studylib.rows import Batch
from studylib.spec import TrialSpec
from studylib.train.compute import Compute
from studylib.train.pipeline import forward_losses
from studylib.train.probe import Probe
from studylib.train.validation import EVALUATION_TOKENS

__all__ = ["ExpertLoad"]


class ExpertLoad(Probe):
    """Share of the validation tokens that each expert of each layer gets, by source."""

    def __init__(self, spec: TrialSpec, prepared: PreparedData):
        if spec.model.moe is None:
            raise invalid("probes", "expert_load", "asks about experts; the model has none (model.moe)")
        weights = {source.label: source.weight for source in spec.data.sources if not source.auxiliary}
        self._windows = validation_windows(prepared, weights, spec.model.seq_len, spec.eval_tokens)
        self._layers = [layer for layer in range(spec.model.num_layers) if spec.model.has_experts(layer)]
        self._rows = max(spec.micro_batch_size, EVALUATION_TOKENS // spec.model.seq_len)

    def measure(self, model: Any, world: World, compute: Compute) -> dict[str, Any]:
        """``{"layers": [indices from 0], "share": {label: [[of each expert] of each such layer]}}``; a layer's shares sum to 1."""
        found = {}
        for label, windows, _ in self._windows:
            reset_load(model)
            forward_losses(model, world, compute, Batch(windows[world.dp_rank :: world.dp]), self._rows)
            found[label] = read_load(model, world).tolist()
        reset_load(model)
        return {"layers": self._layers, "share": found}
