"""Lion: the sign of a momentum (Chen et al. 2023, arXiv 2302.06675), from pytorch-optimizer.

Every weight moves by the whole learning rate, where Adam's move by less: the paper takes rates 3 to 10 times smaller than
AdamW's, decay as much larger, and betas 0.95 and 0.98 for language models. A parametrisation's rates hold as for Adam.
"""

from __future__ import annotations

from typing import Any

from studylib.choices.optimizer import Betas, Optimizer

__all__ = ["Lion"]


class Lion(Optimizer):
    Options = Betas
    state_per_weight = state_per_embedding = 1.0

    def build(self, groups: list[dict[str, Any]]) -> list[Any]:
        from pytorch_optimizer import Lion as TheirLion

        betas = (self.options.beta1, self.options.beta2)
        return [TheirLion(groups, lr=self.spec.learning_rate, betas=betas, weight_decouple=True)]
