"""The last block: final norm, output matrix and loss."""

from __future__ import annotations

import torch
from torch import nn

from studylib.choices.objective._losses import RowLoss
from studylib.choices.precision import at_least_fp32
from studylib.parallel import (
    TP_MODE,
    TensorParallelColumnLinear,
    differentiable_all_reduce_sum,
    differentiable_identity,
    dist,
)
from studylib.registry import CROSS_ENTROPIES, INITS, NORMS, RESIDUALS
from studylib.rows import PAD
from studylib.spec import ModelSpec

# Looked up once: a compiled block must not walk folders.
_CROSS_ENTROPIES = {name: CROSS_ENTROPIES[name]() for name in CROSS_ENTROPIES}


class LanguageModelHead(nn.Module):
    """Final norm, output matrix and mean cross-entropy, in one block so that a compiler may fuse them."""

    # How the loss is computed; ``build_gpt`` sets it from the Execution.
    cross_entropy = "plain"

    def __init__(self, model: ModelSpec, tp_pg: dist.ProcessGroup):
        super().__init__()
        self.tp_pg, self.tp_rank = tp_pg, dist.get_rank(tp_pg)
        final_norm = RESIDUALS[model.residual](model).final_norm
        self.norm = NORMS[model.norm](model).build() if final_norm else nn.Identity()
        self.proj = TensorParallelColumnLinear(model.hidden_size, model.vocab_size, pg=tp_pg, mode=TP_MODE, bias=False)
        self.logit_multiplier = INITS[model.init](model).logit_multiplier

    def logits(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """[batch, seq, hidden] to this rank's slice of the vocabulary, [batch, seq, vocab / tp]."""
        return self.proj(self._before_proj(hidden_states))

    def _before_proj(self, hidden_states: torch.Tensor) -> torch.Tensor:
        # The scale goes on the narrow side: hidden states are smaller than logits.
        return self.norm(hidden_states) * self.logit_multiplier

    def log_probabilities(
        self, hidden_states: torch.Tensor, label_ids: torch.Tensor, temperature: float = 1.0
    ) -> torch.Tensor:
        """Of each row, that of its labels that are not negative, in nats: fp64 [batch]; of logits divided by ``temperature``."""
        states = self._before_proj(hidden_states) / temperature
        losses = _CROSS_ENTROPIES[self.cross_entropy].losses(states, self.proj, label_ids, self.tp_pg)
        return -losses.sum(dim=1, dtype=torch.float64)

    def rewards(self, hidden_states: torch.Tensor, label_ids: torch.Tensor) -> torch.Tensor:
        """Of each row, the logit of ``<pad>`` where the end of its answer, which is the last label, is read: fp64 [batch]."""
        places = torch.arange(1, label_ids.shape[1] + 1, device=label_ids.device)
        ends = torch.where(label_ids >= 0, places, 0).amax(dim=1).clamp(max=label_ids.shape[1] - 1)
        at_end = self._before_proj(hidden_states[torch.arange(len(ends), device=ends.device), ends])
        weight = self.proj.weight
        place = PAD - self.tp_rank * weight.shape[0]
        mine = 0 <= place < weight.shape[0]
        # Ranks without the piece take part all the same: gradients of what all hold are summed over them.
        row = weight[place if mine else 0] * float(mine)
        own = at_least_fp32(differentiable_identity(at_end, self.tp_pg)) * at_least_fp32(row)
        return differentiable_all_reduce_sum(own.sum(dim=-1), self.tp_pg).double()

    def forward(self, hidden_states: torch.Tensor, label_ids: torch.Tensor) -> dict[str, torch.Tensor]:
        """Mean loss in nats per token, in the logits' precision, at least fp32."""
        total, count = _CROSS_ENTROPIES[self.cross_entropy](
            self._before_proj(hidden_states), self.proj, label_ids, self.tp_pg
        )
        return {"loss": total / count}


class MaskedLanguageModelHead(LanguageModelHead):
    """A head for labels that are not all counted: rows differ in how many are, so the caller says what the sum is worth."""

    def forward(
        self, hidden_states: torch.Tensor, label_ids: torch.Tensor, label_scale: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Summed loss in nats over the labels that are not negative, times ``label_scale`` (fp64 [1]); in the logits' precision, at least fp32."""
        total, _ = _CROSS_ENTROPIES[self.cross_entropy](
            self._before_proj(hidden_states), self.proj, label_ids, self.tp_pg
        )
        return {"loss": total * label_scale[0].to(total.dtype)}


class RowHead(LanguageModelHead):
    """A head for a loss of whole rows, each by its score: the log-probability of its labels, or its reward."""

    def __init__(self, model: ModelSpec, tp_pg: dist.ProcessGroup, row_loss: RowLoss):
        super().__init__(model, tp_pg)
        self.row_loss = row_loss

    def forward(
        self, hidden_states: torch.Tensor, label_ids: torch.Tensor, label_scale: torch.Tensor, **values: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """The summed loss of the rows times ``label_scale`` (fp64 [1]); ``values`` are what the loss takes, fp64 [rows] each.

        In evaluation there is no loss: ``loss`` is fp64 [rows, 2], log-probability and reward of each row.
        """
        if not self.training:
            scores = self.log_probabilities(hidden_states, label_ids), self.rewards(hidden_states, label_ids)
            return {"loss": torch.stack(scores, dim=1)}
        if self.row_loss.of_rewards:
            scores = self.rewards(hidden_states, label_ids)
        else:
            scores = self.log_probabilities(hidden_states, label_ids, self.row_loss.temperature)
        return {"loss": self.row_loss(scores, label_ids, **values) * label_scale[0]}


HEADS = (LanguageModelHead, MaskedLanguageModelHead, RowHead)
