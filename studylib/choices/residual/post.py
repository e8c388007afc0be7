"""Post-norm: ``norm(x + f(x))``, the first transformer's (Vaswani et al. 2017, arXiv 1706.03762)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from studylib.choices.residual import Residual

if TYPE_CHECKING:
    import torch

    from studylib.choices.residual import Branch

__all__ = ["PostNorm"]


class PostNorm(Residual):
    """Every layer ends in a norm, so the head has none. Branches are scaled with depth as the parametrisation says."""

    norm_before_mixer: ClassVar[bool] = False
    final_norm: ClassVar[bool] = False
    unit_stream: ClassVar[bool] = True  # as in the paper: the first norm would blow up the updates of a small stream
    needs_norm: ClassVar[bool] = True

    def combine(self, layer: Any, hidden_states: torch.Tensor, mixer: Branch, mlp: Branch) -> torch.Tensor:
        mixed = mixer(hidden_states)
        hidden_states = layer.input_layernorm(hidden_states.add(mixed, alpha=self.multiplier))
        mixed = mlp(hidden_states)
        return layer.post_attention_layernorm(hidden_states.add(mixed, alpha=self.multiplier))
