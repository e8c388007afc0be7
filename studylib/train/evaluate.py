"""Validation: loss in nats per token and bits per byte, in all and by source."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from studylib.data import PreparedData, validation_windows
from studylib.data.chat.pack import validation_conversations
from studylib.data.tokenizer import PAD
from studylib.model.gpt import GPT
from studylib.parallel import World
from studylib.registry import OBJECTIVES
from studylib.rows import Batch
from studylib.spec import TrialSpec
from studylib.train.compute import Compute
from studylib.train.pipeline import forward_losses, sum_over_world

EVALUATION_TOKENS = 8192  # in one forward pass


@dataclass(frozen=True)
class ValidationSet:
    """Rows of one source, and the UTF-8 bytes of the text that they predict: of conversations, of the answers."""

    label: str
    rows: Batch
    num_bytes: float


class Validation:
    """The same text for every trial on the same data and context length.

    Windows of plain text; of sources that hold conversations, where the objective learns those, what it learns of them.
    """

    def __init__(self, spec: TrialSpec, prepared: PreparedData):
        weights = {source.label: source.weight for source in spec.data.sources if not source.auxiliary}
        objective = OBJECTIVES[spec.objective.name](spec.objective)
        answers = [label for label in weights if prepared.shards(label).validation.has_conversations]
        self.sets = []
        for label in weights:
            seq_len, tokens = spec.model.seq_len, spec.eval_tokens // len(weights)
            if objective.rows != "windows" and label in answers:
                shard, most = prepared.shards(label).validation, objective.most_in_row
                self.sets.append(ValidationSet(label, *validation_conversations(shard, seq_len, most, PAD, tokens)))
            else:
                ((_, windows, num_bytes),) = validation_windows(prepared, {label: 1.0}, seq_len, tokens)
                self.sets.append(ValidationSet(label, Batch(windows), num_bytes))
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
            mine = part.rows.rows(world.dp_rank, step=world.dp)
            part_nats = sum_over_world(world, forward_losses(model, world, compute, mine, self.rows))
            part_tokens = part.rows.counted
            by_label[part.label] = {"loss": part_nats / part_tokens, "bpb": part_nats / math.log(2) / part.num_bytes}
            nats += part_nats
            tokens += part_tokens
            num_bytes += part.num_bytes
        model.train()
        return {"val_loss": nats / tokens, "val_bpb": nats / math.log(2) / num_bytes, "val": by_label}
