"""The first block: tokens, and positions where they are added to them."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from studylib.model.initialise import embedding_multiplier, stream_multiplier
from studylib.parallel import TP_MODE, TensorParallelEmbedding, dist
from studylib.registry import POSITIONS
from studylib.spec import ModelSpec


class TokenEmbedding(nn.Module):
    def __init__(self, model: ModelSpec, tp_pg: dist.ProcessGroup):
        super().__init__()
        self.token_embedding = TensorParallelEmbedding(model.vocab_size, model.hidden_size, pg=tp_pg, mode=TP_MODE)
        self.position = POSITIONS[model.position](model).build_embedding()
        self.dropout = model.dropout
        self.embedding_multiplier, self.stream_multiplier = embedding_multiplier(model), stream_multiplier(model)

    def forward(
        self, input_ids: torch.Tensor, begin: torch.Tensor | None = None, first: int = 0
    ) -> dict[str, torch.Tensor]:
        """[batch, seq] to hidden states [batch, seq, hidden].

        ``begin``: where in its row the text of each position begins; ``first``: the position of the first ones. Not both.
        """
        hidden_states = self.token_embedding(input_ids)
        if self.embedding_multiplier != 1.0:
            hidden_states = hidden_states * self.embedding_multiplier
        if self.position is not None:
            place = None if begin is None else torch.arange(begin.shape[1], device=begin.device) - begin
            hidden_states = self.position(hidden_states, first, place)
        if self.stream_multiplier != 1.0:
            hidden_states = hidden_states * self.stream_multiplier
        if self.dropout and self.training:
            hidden_states = F.dropout(hidden_states, self.dropout)
        return {"hidden_states": hidden_states}
