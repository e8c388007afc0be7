"""All logits at once."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from studylib.choices.cross_entropy import CrossEntropy
from studylib.choices.precision import at_least_fp32
from studylib.parallel import dist, sharded_cross_entropy

__all__ = ["Plain"]


class Plain(CrossEntropy):
    def __call__(
        self, hidden_states: torch.Tensor, proj: nn.Module, label_ids: torch.Tensor, tp_pg: dist.ProcessGroup
    ) -> tuple[torch.Tensor, torch.Tensor]:
        logits, counted = proj(hidden_states), label_ids >= 0
        if tp_pg.size() == 1:
            labels = label_ids.masked_fill(~counted, -100).flatten()
            total = F.cross_entropy(at_least_fp32(logits).flatten(0, 1), labels, reduction="sum", ignore_index=-100)
            return total, counted.sum()
        return self._sharded(logits, label_ids, tp_pg).sum(), counted.sum()

    def losses(
        self, hidden_states: torch.Tensor, proj: nn.Module, label_ids: torch.Tensor, tp_pg: dist.ProcessGroup
    ) -> torch.Tensor:
        logits = proj(hidden_states)
        if tp_pg.size() > 1:
            return self._sharded(logits, label_ids, tp_pg)
        labels = label_ids.masked_fill(label_ids < 0, -100).flatten()
        losses = F.cross_entropy(at_least_fp32(logits).flatten(0, -2), labels, reduction="none", ignore_index=-100)
        return losses.view_as(label_ids)

    @staticmethod
    def _sharded(logits: torch.Tensor, label_ids: torch.Tensor, tp_pg: dist.ProcessGroup) -> torch.Tensor:
        dtype = torch.promote_types(logits.dtype, torch.float32)
        losses = sharded_cross_entropy(logits, label_ids.clamp(min=0), group=tp_pg, dtype=dtype)
        return losses * (label_ids >= 0)
