"""Validation: loss in nats per token and bits per byte, in all and by source."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from studylib.data import PreparedData, validation_windows
from studylib.model.gpt import GPT
from studylib.parallel import World
from studylib.spec import TrialSpec
from studylib.train.compute import Compute
from studylib.train.pipeline import forward_losses, sum_over_world

EVALUATION_TOKENS = 8192  # in one forward pass


@dataclass(frozen=True)
class ValidationSet:
    """Windows of one source, int64 [rows, seq_len + 1], and the UTF-8 bytes of the text they predict."""

    label: str
    windows_BT: np.ndarray
    num_bytes: float


class Validation:
    """The same windows for every trial on the same data and context length."""

    def __init__(self, spec: TrialSpec, prepared: PreparedData):
        weights = {source.label: source.weight for source in spec.data.sources if not source.auxiliary}
        found = validation_windows(prepared, weights, spec.model.seq_len, spec.eval_tokens)
        self.sets = [ValidationSet(label, windows, num_bytes) for label, windows, num_bytes in found]
        # No gradients are kept, so small models need not crawl through their small micro-batches.
        self.rows = max(spec.micro_batch_size, EVALUATION_TOKENS // spec.model.seq_len)

    def measure(self, model: GPT, world: World, compute: Compute) -> dict:
        """``{"val_loss", "val_bpb", "val": {label: {"loss", "bpb"}}}``; nats per token and bits per byte.

        Bits per byte (total bits over total bytes) is what compares across tokenizers.
        """
        model.eval()
        with torch.compiler.set_stance("force_eager"):  # compiling for a few batches without gradients costs more
            return self._measure(model, world, compute)

    def _measure(self, model: GPT, world: World, compute: Compute) -> dict:
        nats = tokens = num_bytes = 0.0
        by_label = {}
        for part in self.sets:
            mine = part.windows_BT[world.dp_rank :: world.dp]
            mean_losses = sum_over_world(world, forward_losses(model, world, compute, mine, self.rows))
            part_tokens = part.windows_BT.shape[0] * (part.windows_BT.shape[1] - 1)
            loss = mean_losses / part.windows_BT.shape[0]
            by_label[part.label] = {"loss": loss, "bpb": loss * part_tokens / math.log(2) / part.num_bytes}
            nats += loss * part_tokens
            tokens += part_tokens
            num_bytes += part.num_bytes
        model.train()
        return {"val_loss": nats / tokens, "val_bpb": nats / math.log(2) / num_bytes, "val": by_label}
