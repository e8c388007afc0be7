"""AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101), torch's fused kernel. Takes a parametrisation's rules as they are."""

from __future__ import annotations

from typing import Any

from studylib.choices.optimizer import AdamOptions, Optimizer

__all__ = ["AdamW"]


class AdamW(Optimizer):
    Options = AdamOptions

    def build(self, groups: list[dict[str, Any]]) -> list[Any]:
        import torch

        betas = (self.options.beta1, self.options.beta2)
        return [torch.optim.AdamW(groups, lr=self.spec.learning_rate, betas=betas, fused=True)]
