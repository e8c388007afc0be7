"""Pre-norm: ``x + f(norm(x))`` (GPT-2; Xiong et al. 2020, arXiv 2002.04745)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from studylib.choices.residual import Residual

if TYPE_CHECKING:
    import torch

    from studylib.choices.residual import Branch

__all__ = ["PreNorm"]


class PreNorm(Residual):
    def combine(self, layer: Any, hidden_states: torch.Tensor, mixer: Branch, mlp: Branch) -> torch.Tensor:
        mixed = mixer(layer.input_layernorm(hidden_states))
        hidden_states = hidden_states.add(mixed, alpha=self.multiplier)
        mixed = mlp(layer.post_attention_layernorm(hidden_states))
        return hidden_states.add(mixed, alpha=self.multiplier)
