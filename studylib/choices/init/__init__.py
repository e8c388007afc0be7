"""Initialisation and parametrisation. No torch.

A choice is a class derived from ``Parametrisation``. For a parameter it says from which distribution
it starts and by how much its learning rate, weight decay and Adam epsilon are scaled; and for the model, what multiplies
residual branches and logits. Together these decide whether one learning rate is fair across shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from studylib.registry import Choice

if TYPE_CHECKING:
    from studylib.spec import ModelSpec


@dataclass(frozen=True)
class ParameterRule:
    """How one parameter starts and is updated.

    ``std`` None means ones (norm gains). ``orthogonal``: not independent draws of that ``std``, but a matrix with
    orthonormal rows or columns times ``std * sqrt(fan_in)``, so that its entries have that root mean square if it is square
    or wide.
    """

    std: float | None
    lr_scale: float = 1.0
    weight_decay_scale: float = 1.0
    eps_scale: float = 1.0
    orthogonal: bool = False


class Parametrisation(Choice):
    """The standard parametrisation: nothing is scaled with the shape, only start values differ.

    Norm gains start at one; neither they nor the token embedding decay. Under it the best learning rate falls as models
    grow wider and deeper, so compare shapes only with the rate tuned for each.
    """

    width: float = 1.0
    """Hidden size over the base's, where learning rates follow it."""
    residual_multiplier: float = 1.0
    """Multiplies what mixers and MLPs add to the residual stream."""
    logit_multiplier: float = 1.0
    unit_stream: bool = False
    """Whether embeddings are multiplied to unit scale unless the specification says otherwise."""

    def __init__(self, model: ModelSpec):
        super().__init__(model)
        self.model = model

    def rule(self, role: str, fan_in: int, fan_out: int = 0, *, ends_branch: bool = False) -> ParameterRule:
        """The rule of one parameter.

        Parameters
        ----------
        role
            "embedding", "hidden", "norm" (any vector) or "head".
        fan_in, fan_out
            Columns and rows of a matrix; for the token embedding hidden size and vocabulary. Rows left out are those of the
            token table or of a square.
        ends_branch
            Whether its output is what a mixer or MLP adds to the residual stream (``o_proj``, ``down_proj``).
        """
        if role == "norm":
            return ParameterRule(std=None, weight_decay_scale=0.0)
        fan_out = fan_out or (fan_in if role == "hidden" else self.model.vocab_size)
        std = self.std(role, fan_in, fan_out, ends_branch)
        return ParameterRule(std=std, weight_decay_scale=0.0 if role == "embedding" else 1.0)

    def std(self, role: str, fan_in: int, fan_out: int, ends_branch: bool) -> float:
        """Standard deviation of the start values of a matrix."""
        raise NotImplementedError
