"""The last block: final norm, output matrix and loss."""

from __future__ import annotations

import torch
from torch import nn

from studylib.parallel import TP_MODE, TensorParallelColumnLinear, dist
from studylib.registry import CROSS_ENTROPIES, INITS, NORMS, RESIDUALS
from studylib.spec import ModelSpec

# Looked up once: a compiled block must not walk folders.
_CROSS_ENTROPIES = {name: CROSS_ENTROPIES[name]() for name in CROSS_ENTROPIES}


class LanguageModelHead(nn.Module):
    """Final norm, output matrix and mean cross-entropy, in one block so that a compiler may fuse them."""

    # How the loss is computed; ``build_gpt`` sets it from the Execution.
    cross_entropy = "plain"

    def __init__(self, model: ModelSpec, tp_pg: dist.ProcessGroup):
        super().__init__()
        self.tp_pg = tp_pg
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


HEADS = (LanguageModelHead, MaskedLanguageModelHead)
