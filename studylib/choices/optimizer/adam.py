"""Adam (Kingma and Ba 2015, arXiv 1412.6980), torch's fused kernel.

Weight decay is the L2 penalty of old, added to the gradient and so divided by Adam's denominator too: the difference from
`adamw`. Takes a parametrisation's rates as they are; how its decay should scale has been worked out for AdamW only.
"""

from __future__ import annotations

from typing import Any

from studylib.choices.optimizer import AdamOptions, Optimizer

__all__ = ["Adam"]


class Adam(Optimizer):
    Options = AdamOptions

    def build(self, groups: list[dict[str, Any]]) -> list[Any]:
        import torch

        betas = (self.options.beta1, self.options.beta2)
        return [torch.optim.Adam(groups, lr=self.spec.learning_rate, betas=betas, fused=True)]
