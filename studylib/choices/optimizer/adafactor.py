"""Adafactor (Shazeer and Stern 2018, arXiv 1804.04235) as in Zhai et al. 2022 (arXiv 2106.04560), from pytorch-optimizer.

Adam whose second moment is kept as row and column means only, with update clipping at RMS 1. Steps are not relative to the
parameters' size and the rate is the schedule's, so rates and a parametrisation's scales are those of Adam. The second moment
decays with min(beta2, 1 - step^-0.8). Rows and columns are those of whole matrices: see ``studylib/train/whole_matrices.py``.
"""

from __future__ import annotations

from typing import Any

from studylib.choices.optimizer import Betas, Optimizer

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    Options = Betas
    state_per_weight = state_per_embedding = 1.0  # the momentum; the means are few
    sees_whole = ("hidden", "embedding", "head")

    def build(self, groups: list[dict[str, Any]]) -> list[Any]:
        from pytorch_optimizer import AdaFactor

        return [
            AdaFactor(
                groups, lr=self.spec.learning_rate, betas=(self.options.beta1, self.options.beta2), momentum_dtype=groups[0]["params"][0].dtype,
                scale_parameter=False, relative_step=False, weight_decouple=True,
            )
        ]  # fmt: skip
