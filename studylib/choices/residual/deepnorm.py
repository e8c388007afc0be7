"""DeepNorm: ``norm(alpha x + f(x))`` (Wang et al. 2022, arXiv 2203.00555, figure 2, decoder-only)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from studylib.choices.residual import Residual

if TYPE_CHECKING:
    import torch

    from studylib.choices.residual import Branch
    from studylib.spec import ModelSpec

__all__ = ["DeepNorm"]


class DeepNorm(Residual):
    """Post-norm that stays stable at depth: alpha = (2 layers)^(1/4), and value, output and MLP matrices start at
    (8 layers)^(-1/4) of their usual size.

    It is a rule for depth of its own, so the parametrisation's depth multiplier is not applied beside it.
    """

    norm_before_mixer: ClassVar[bool] = False
    final_norm: ClassVar[bool] = False
    unit_stream: ClassVar[bool] = True  # as in the paper: the first norm would blow up the updates of a small stream
    needs_norm: ClassVar[bool] = True

    def __init__(self, model: ModelSpec):
        super().__init__(model)
        self.alpha = (2 * model.num_layers) ** 0.25
        self.branch_gain = (8 * model.num_layers) ** -0.25

    def combine(self, layer: Any, hidden_states: torch.Tensor, mixer: Branch, mlp: Branch) -> torch.Tensor:
        hidden_states = layer.input_layernorm(mixer(hidden_states).add(hidden_states, alpha=self.alpha))
        return layer.post_attention_layernorm(mlp(hidden_states).add(hidden_states, alpha=self.alpha))
