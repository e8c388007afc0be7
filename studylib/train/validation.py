"""Validation: loss in nats per token and bits per byte, in all and by source; of pairs of answers, which are told apart."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from studylib.choices.objective._losses import PairLoss
from studylib.data import PreparedData, validation_windows
from studylib.data.chat.pack import validation_conversations
from studylib.data.chat.pairs import validation_pairs
from studylib.data.tokenizer import PAD
from studylib.model.gpt import GPT
from studylib.parallel import World, dist
from studylib.registry import OBJECTIVES
from studylib.rows import Batch
from studylib.spec import TrialSpec
from studylib.train.compute import Compute
from studylib.train.pipeline import forward_losses, row_scores, sum_over_world

EVALUATION_TOKENS = 8192  # in one forward pass
# Rounding of fp32 sums, relative to them: a lead below it is none. Before anything is learnt all are, on whatever batches.
ROUNDING = 1e-6


@dataclass(frozen=True)
class ValidationSet:
    """Rows of one source, and the UTF-8 bytes of the text that they predict: of conversations, of the answers; of pairs, of the
    preferred ones."""

    label: str
    rows: Batch
    num_bytes: float
    pairs: bool = False


class Validation:
    """The same text for every trial on the same data and context length.

    Windows of plain text; of sources that hold conversations or pairs, where the objective learns those, what it learns of them.

    Parameters
    ----------
    references
        By source of pairs and side, see `studylib.train.likelihoods`; None where the objective has no use for them.
    """

    def __init__(
        self, spec: TrialSpec, prepared: PreparedData,
        references: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    ):  # fmt: skip
        weights = {source.label: source.weight for source in spec.data.sources if not source.auxiliary}
        objective = OBJECTIVES[spec.objective.name](spec.objective)
        self.sets = []
        for label in weights:
            seq_len, tokens = spec.model.seq_len, spec.eval_tokens // len(weights)
            shard, most = prepared.shards(label).validation, objective.most_in_row
            if objective.rows == "pairs" and shard.has_pairs:
                reference = references and references[label]["validation"]
                found = validation_pairs(shard, seq_len, PAD, tokens, reference)
                self.sets.append(ValidationSet(label, *found, pairs=True))
            elif objective.rows != "windows" and (shard.has_conversations or shard.has_pairs):
                self.sets.append(ValidationSet(label, *validation_conversations(shard, seq_len, most, PAD, tokens)))
            else:
                ((_, windows, num_bytes),) = validation_windows(prepared, {label: 1.0}, seq_len, tokens)
                self.sets.append(ValidationSet(label, Batch(windows), num_bytes))
        # No gradients are kept, so small models need not crawl through their small micro-batches.
        self.rows = max(spec.micro_batch_size, EVALUATION_TOKENS // spec.model.seq_len)

    def measure(self, model: GPT, world: World, compute: Compute) -> dict:
        """``{"val_loss", "val_bpb", "val": {label: {"loss", "bpb"}}}``; nats per token and bits per byte.

        Bits per byte (total bits over total bytes) is what compares across tokenizers. What else there is of pairs says
        ``studylib.spec.record.Loss``.
        """
        model.eval()
        with torch.compiler.set_stance("force_eager"):  # compiling for a few batches without gradients costs more
            return self._measure(model, world, compute)

    def _measure(self, model: GPT, world: World, compute: Compute) -> dict:
        nats = tokens = num_bytes = 0.0
        by_label = {}
        for part in self.sets:
            more: dict[str, Any] = {}
            if part.pairs:
                part_nats, part_tokens, more = self._of_pairs(model, world, compute, part.rows)
            else:
                mine = part.rows.rows(world.dp_rank, step=world.dp)
                part_nats = sum_over_world(world, forward_losses(model, world, compute, mine, self.rows))
                part_tokens = part.rows.counted
            by_label[part.label] = {
                "loss": part_nats / part_tokens, "bpb": part_nats / math.log(2) / part.num_bytes, **more
            }  # fmt: skip
            nats += part_nats
            tokens += part_tokens
            num_bytes += part.num_bytes
        model.train()
        return {"val_loss": nats / tokens, "val_bpb": nats / math.log(2) / num_bytes, "val": by_label}

    def _of_pairs(self, model: GPT, world: World, compute: Compute, rows: Batch) -> tuple[float, int, dict[str, Any]]:
        """Nats and number of the tokens of the preferred answers, and what is known of the pairs."""
        if compute.dtype == "bfloat16":  # in which the reference was not asked: rounding would pass for preferences
            compute = dataclasses.replace(compute, dtype="float32")
        scores = self._scores(model, world, compute, rows)
        loss = model.row_loss
        assert isinstance(loss, PairLoss)
        values = {name: torch.from_numpy(getattr(rows, f"{name}_B")) for name in loss.takes}
        labels = torch.from_numpy(rows.labels_BT)
        own = scores[:, int(loss.of_rewards)]
        margins = loss.margins(own, labels, **values)
        decided = margins.abs() > ROUNDING * (own.abs() / loss.lengths(labels)).view(-1, 2).sum(dim=1)
        count = int(decided.sum())
        found = {
            "pair_loss": loss(own, labels, **values).item() / len(margins),
            "accuracy": int((margins[decided] > 0).sum()) / count if count else None,
            "undecided": 1 - count / len(margins),
            "margin": margins.mean().item(),
        }
        return -scores[0::2, 0].sum().item(), rows.rows(0, step=2).counted, found

    def _scores(self, model: GPT, world: World, compute: Compute, rows: Batch) -> torch.Tensor:
        """Those of all rows, equal on all ranks, fp64 [rows, 2] on the CPU."""
        scores = torch.zeros((len(rows), 2), device=world.device, dtype=torch.float64)
        mine = rows.rows(world.dp_rank, step=world.dp)
        scores[world.dp_rank :: world.dp] = row_scores(model, world, compute, mine, self.rows)
        for group, size in ((world.context.pp_pg, world.pp), (world.context.dp_pg, world.dp)):
            if size > 1:
                dist.all_reduce(scores, group=group, op=dist.ReduceOp.SUM)
        return scores.cpu()
