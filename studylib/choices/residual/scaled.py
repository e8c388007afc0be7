"""LayerScale: pre-norm with a learned scale for every entry of a branch (Touvron et al. 2021, arXiv 2103.17239)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from studylib.choices.residual import Residual

if TYPE_CHECKING:
    import torch

    from studylib.choices.residual import Branch
    from studylib.spec import ModelSpec

__all__ = ["LayerScale"]


class LayerScale(Residual):
    """``x + scale * f(norm(x))``; scales start small, at the paper's 0.1 to 18 layers, 1e-5 to 24, 1e-6 beyond."""

    scales: ClassVar[tuple[str, ...]] = ("attention_scale", "mlp_scale")

    def __init__(self, model: ModelSpec):
        super().__init__(model)
        self.scale_start = 0.1 if model.num_layers <= 18 else 1e-5 if model.num_layers <= 24 else 1e-6

    def combine(self, layer: Any, hidden_states: torch.Tensor, mixer: Branch, mlp: Branch) -> torch.Tensor:
        mixed = layer.attention_scale * mixer(layer.input_layernorm(hidden_states))
        hidden_states = hidden_states.add(mixed, alpha=self.multiplier)
        mixed = layer.mlp_scale * mlp(layer.post_attention_layernorm(hidden_states))
        return hidden_states.add(mixed, alpha=self.multiplier)
