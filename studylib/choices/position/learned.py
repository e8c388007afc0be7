"""Learned absolute positions, a trained vector for each (Gehring et al. 2017, arXiv 1705.03122; GPT-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studylib.choices.position import Position

if TYPE_CHECKING:
    from torch import nn

__all__ = ["LearnedPosition"]


class LearnedPosition(Position):
    """A table [seq_len, hidden] added to the token embeddings, started at a quarter of their scale; it has an end."""

    @property
    def embedding_parameters(self) -> int:
        return self.model.seq_len * self.model.hidden_size

    @property
    def longest(self) -> int:
        return self.model.seq_len

    def build_embedding(self) -> nn.Module:
        from studylib.choices.position import _absolute

        return _absolute.LearnedTable(self.model)
