"""CompleteP: one learning rate across width and depth (Dey et al. 2025, arXiv 2505.01618, table 1, alpha = 1).

It joins muP's width rules (Yang et al. 2022, arXiv 2203.03466) with residual branches divided by depth, so
that the best learning rate of one shape serves the others and shapes can be compared fairly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from studylib.choices.init import ParameterRule, Parametrisation

if TYPE_CHECKING:
    from studylib.spec import ModelSpec

__all__ = ["CompleteP"]

# At the base shape the rules reduce to a plain pre-norm GPT with normal(0.02)-like initialisation.
BASE_WIDTH = 256
BASE_DEPTH = 4
BASE_STD = 0.04
# Smaller, so that the first loss is near ln(vocab_size) for narrow models too, whose logits are scaled up.
HEAD_STD = 0.01


class CompleteP(Parametrisation):
    """``muP`` and depth-muP are the same table with another exponent alpha of the depth; they change `branch` and `rate`."""

    # With a stream as small as the table (0.04) the layers' outputs drown the tokens: at 80 thousand parameters every shape
    # ended 0.46 to 0.56 bits per byte worse, whatever the rate (see LOG.md).
    unit_stream = True

    def __init__(self, model: ModelSpec):
        super().__init__(model)
        self.width = model.hidden_size / BASE_WIDTH
        self.depth = model.num_layers / BASE_DEPTH

    @property
    def branch(self) -> float:
        """depth^alpha, by which residual branches, and so gradients within them, are smaller."""
        return self.depth

    @property
    def rate(self) -> float:
        """depth^(alpha - 1), which scales the learning rates of a layer's parameters."""
        return 1.0

    @property
    def residual_multiplier(self) -> float:
        return 1.0 / self.branch

    @property
    def logit_multiplier(self) -> float:
        return 1.0 / self.width

    def rule(self, role: str, fan_in: int, fan_out: int = 0, *, ends_branch: bool = False) -> ParameterRule:
        eps_scale = 1.0 / (self.width * self.branch)
        if role == "norm":
            # Norm gains have no fan-in; the table scales their learning rate with depth only.
            return ParameterRule(std=None, lr_scale=self.rate, weight_decay_scale=0.0, eps_scale=eps_scale)
        if role == "embedding":
            return ParameterRule(std=BASE_STD, weight_decay_scale=0.0, eps_scale=1.0 / self.width)
        if role == "head":
            return ParameterRule(std=HEAD_STD)
        ratio = fan_in / BASE_WIDTH
        return ParameterRule(
            std=BASE_STD * ratio**-0.5,
            lr_scale=self.rate / self.width,
            weight_decay_scale=self.width,
            eps_scale=eps_scale,
        )
