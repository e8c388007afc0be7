"""What a positional encoding may do inside attention."""

from __future__ import annotations

import torch
from torch import nn


class LayerPosition(nn.Module):
    """Leaves query, key and scores as they are; encodings override what they change."""

    def forward(
        self, query: torch.Tensor, key: torch.Tensor, first: int = 0, place: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """[batch, heads (kv_heads), seq, head_dim] each, to the same.

        They are at positions ``first`` and following, or at ``place``, int64 [batch, seq], each below seq; not both.
        """
        return query, key

    def bias(self, query_len: int, key_len: int) -> torch.Tensor | None:
        """[heads of this tensor-parallel rank, query_len, key_len], added to scores before the softmax; None: nothing.

        Queries are the last ``query_len`` of ``key_len`` positions.
        """
        return None
