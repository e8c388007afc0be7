"""Parallel branches: ``x + attention(norm(x)) + mlp(norm(x))``, one norm (GPT-J; PaLM, arXiv 2204.02311, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from studylib.choices.residual import Residual

if TYPE_CHECKING:
    import torch

    from studylib.choices.residual import Branch

__all__ = ["Parallel"]


class Parallel(Residual):
    norms: ClassVar[tuple[str, ...]] = ("input_layernorm",)

    def combine(self, layer: Any, hidden_states: torch.Tensor, mixer: Branch, mlp: Branch) -> torch.Tensor:
        normed = layer.input_layernorm(hidden_states)
        return hidden_states.add(mixer(normed) + mlp(normed), alpha=self.multiplier)
