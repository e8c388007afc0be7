"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner (Vyas et al. 2024, arXiv 2409.11321), from pytorch-optimizer.

For hidden matrices; everything else goes by AdamW in the same run. The basis is renewed every ``precondition_every`` steps.
As in the authors' code the first step only gathers statistics and moves no hidden matrix. A matrix of m x n keeps two m x m
and two n x n matrices beside Adam's two moments. Its step is near the orthogonal one (Bernstein and Newhouse 2024, arXiv
2409.20325), of full rank, so where a parametrisation divides Adam's rate by the width, SOAP's is divided by its root, as
Muon's is; with Adam's own scale updates shrank with width in the coordinate check.
The authors' first basis is arbitrary where the first gradient has no component; here it is not (``_soap.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from studylib.choices.optimizer import AdamOptions, Optimizer, with_rate_scale
from studylib.frozen import Positive

if TYPE_CHECKING:
    from studylib.choices.init import ParameterRule

__all__ = ["SOAP"]


class SOAP(Optimizer):
    class Options(AdamOptions):
        precondition_every: Positive = Field(default=10, description="steps between new bases")

    # Two moments, and 2 (m^2 + n^2) / (m n) on average over Llama's four matrices (3h x h, h x h, 16/3 h x h, h x 8/3 h).
    state_per_weight = 10.25
    sees_whole = ("hidden",)

    def scaled(self, rule: ParameterRule, role: str, *, whole: bool, width: float, residual: float) -> ParameterRule:
        return with_rate_scale(rule, rule.lr_scale * width**0.5) if whole else rule

    def build(self, groups: list[dict[str, Any]]) -> list[Any]:
        spec, built = self.spec, []
        betas = (self.options.beta1, self.options.beta2)
        matrices = [group for group in groups if group["whole"]]
        if matrices:
            from studylib.choices.optimizer._soap import SettledSOAP

            built.append(
                SettledSOAP(
                    matrices, lr=spec.learning_rate, betas=betas, precondition_frequency=self.options.precondition_every
                )
            )
        others = [group for group in groups if not group["whole"]]
        if others:
            import torch

            built.append(torch.optim.AdamW(others, lr=spec.learning_rate, betas=betas, fused=True))
        return built
