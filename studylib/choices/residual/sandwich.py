"""Sandwich norm: ``x + norm(f(norm(x)))`` (Ding et al. 2021, CogView, arXiv 2105.13290; Gemma 2, arXiv 2408.00118)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from studylib.choices.residual import Residual

if TYPE_CHECKING:
    import torch

    from studylib.choices.residual import Branch

__all__ = ["SandwichNorm"]


class SandwichNorm(Residual):
    """A norm before and after each branch. What joins has unit scale, so the stream starts there too (as in Gemma 2)."""

    norms: ClassVar[tuple[str, ...]] = (
        "input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"
    )  # fmt: skip
    unit_stream: ClassVar[bool] = True
    needs_norm: ClassVar[bool] = True

    def combine(self, layer: Any, hidden_states: torch.Tensor, mixer: Branch, mlp: Branch) -> torch.Tensor:
        mixed = layer.post_attention_layernorm(mixer(layer.input_layernorm(hidden_states)))
        hidden_states = hidden_states.add(mixed, alpha=self.multiplier)
        mixed = layer.post_feedforward_layernorm(mlp(layer.pre_feedforward_layernorm(hidden_states)))
        return hidden_states.add(mixed, alpha=self.multiplier)
