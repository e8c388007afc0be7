"""Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): momentum made orthogonal, for hidden matrices; torch's.

Embeddings, head, norms and whatever else is no matrix of a layer go by AdamW in the same run. A step is scaled by
0.2 sqrt(max(rows, columns)), so that its RMS is AdamW's and both share one learning rate and decay (Liu et al. 2025,
arXiv 2502.16982, section 2.2). An orthogonal step of fixed RMS has a spectral norm that grows with the root of the width,
where Adam's grows with the width; so where a parametrisation divides Adam's rate by the width, Muon's is divided by its root
(spectral condition of Yang et al. 2023, arXiv 2310.17813). Query, key and value (and gate and up) share a matrix here and are
made orthogonal together. Momentum is with Nesterov's look-ahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from studylib.choices.optimizer import AdamOptions, Optimizer, with_rate_scale
from studylib.frozen import Fraction

if TYPE_CHECKING:
    from studylib.choices.init import ParameterRule

__all__ = ["Muon"]


class Muon(Optimizer):
    class Options(AdamOptions):
        momentum: Fraction = 0.95

    state_per_weight = 1.0
    sees_whole = ("hidden",)

    def scaled(self, rule: ParameterRule, role: str, *, whole: bool, width: float, residual: float) -> ParameterRule:
        return with_rate_scale(rule, rule.lr_scale * width**0.5) if whole else rule

    def build(self, groups: list[dict[str, Any]]) -> list[Any]:
        import torch

        spec = self.spec
        matrices = [group for group in groups if group["whole"]]
        for group in matrices:
            del group["eps"]  # Adam's; Muon's own only guards a division
        built: list[Any] = []
        if matrices:
            built.append(
                torch.optim.Muon(
                    matrices, lr=spec.learning_rate, momentum=self.options.momentum, adjust_lr_fn="match_rms_adamw"
                )
            )
        others = [group for group in groups if not group["whole"]]
        if others:
            betas = (self.options.beta1, self.options.beta2)
            built.append(torch.optim.AdamW(others, lr=spec.learning_rate, betas=betas, fused=True))
        return built
