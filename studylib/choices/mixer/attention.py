"""Causal softmax attention (Vaswani et al. 2017, arXiv 1706.03762) with grouped key-value heads (arXiv 2305.13245)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from studylib.choices.mixer import Mixer, SavedActivations
from studylib.registry import ATTENTION_PATTERNS, NORMS, POSITIONS

if TYPE_CHECKING:
    from torch import nn

    from studylib.parallel import dist

__all__ = ["Attention"]


class Attention(Mixer):
    """Scores of every query with every key, [seq, seq] a head."""

    sees_prefix: ClassVar[bool] = True
    keeps_texts_apart: ClassVar[bool] = True

    @property
    def matrix_parameters(self) -> int:
        model = self.model
        return model.hidden_size * model.head_dim * (2 * model.num_heads + 2 * model.kv_heads)

    @property
    def other_parameters(self) -> int:
        head_norms = 2 * self.model.head_dim if self.model.qk_norm else 0
        return POSITIONS[self.model.position](self.model).layer_parameters + head_norms

    @property
    def mixing_flops(self) -> float:
        """Scores and weighted values over the full context; the causal half is not deducted (arXiv 2204.02311, appendix B).

        A sparse pattern counts its share of the pairs that dense attention reads.
        """
        model = self.model
        pairs = ATTENTION_PATTERNS[model.attention_pattern](model).pairs(model.seq_len)
        return 4 * model.hidden_size * pairs / ((model.seq_len + 1) / 2)

    def saved(self, *, scores: bool) -> SavedActivations:
        """The input, query, key and value (for all heads), and the mixed values; with ``scores`` the probabilities in fp32,
        and of a sparse pattern those as the products read them too and the gathered blocks of keys and values."""
        model, pattern = self.model, ATTENTION_PATTERNS[self.model.attention_pattern](self.model)
        normed = 2 * NORMS["rmsnorm"].saved * model.hidden_size if model.qk_norm else 0
        low, pairs = 4.0 * model.hidden_size, 0.0
        if scores:
            columns = pattern.columns(model.seq_len)
            pairs = columns * model.num_heads
            low += 2 * model.hidden_size * columns / pattern.block if pattern.sparse else 0
        return SavedActivations(
            low=low, full=normed + pairs, copies=pairs if pattern.sparse else 0.0, replicated=model.hidden_size
        )

    def build(self, tp_pg: dist.ProcessGroup) -> nn.Module:
        from studylib.choices.mixer import _attention

        return _attention.CausalSelfAttention(self.model, tp_pg)
