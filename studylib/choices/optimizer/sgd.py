"""Stochastic gradient descent with heavy-ball momentum, torch's fused kernel.

Weight decay is the L2 penalty, added to the gradient. A step is as large as the gradient, so rates are of another order
than Adam's (0.1 to 10), and a parametrisation's scales are turned into those for SGD: times the width (Yang et al. 2022,
arXiv 2203.03466, table 8), and for hidden matrices over the residual multiplier, by which their gradients shrink with
depth (Yang et al. 2024, arXiv 2310.02244, table 1: where Adam's rate falls with 1 / sqrt(depth), SGD's stays).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studylib.choices.optimizer import Optimizer
from studylib.frozen import Fraction, Frozen

if TYPE_CHECKING:
    from studylib.choices.init import ParameterRule

__all__ = ["SGD"]


class SGD(Optimizer):
    class Options(Frozen):
        momentum: Fraction = 0.9

    state_per_weight = state_per_embedding = 1.0

    def scaled(self, rule: ParameterRule, role: str, *, whole: bool, width: float, residual: float) -> ParameterRule:
        return replace(rule, lr_scale=rule.lr_scale * width / (residual if role == "hidden" else 1.0))

    def build(self, groups: list[dict[str, Any]]) -> list[Any]:
        import torch

        return [torch.optim.SGD(groups, lr=self.spec.learning_rate, momentum=self.options.momentum, fused=True)]
